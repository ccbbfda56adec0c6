import { All, BadRequestException, Controller, Query } from '@nestjs/common';
import { Upstreams } from './upstreams.js';

/** Switches of the demonstration; any method will do, so that a browser can press them. */
@Controller('demo')
export class DemoController {
  constructor(private readonly upstreams: Upstreams) {}

  @All('kill')
  async kill(): Promise<object> {
    const killed = await this.upstreams.kill();
    return { killed: killed ?? 'none: all catalog hosts are dead already' };
  }

  @All('revive')
  async revive(): Promise<object> {
    await this.upstreams.revive();
    return { alive: this.upstreams.catalogUrls };
  }

  @All('outage')
  outage(@Query('seconds') text = '5'): object {
    const seconds = readSeconds(text);
    this.upstreams.failPayments(seconds * 1_000);
    return { payments: `fails for ${seconds} s` };
  }

  @All('hang')
  hang(@Query('seconds') text = '5'): object {
    const seconds = readSeconds(text);
    this.upstreams.hangReports(seconds * 1_000);
    return { reports: `hangs for ${seconds} s` };
  }
}

function readSeconds(text: string): number {
  const seconds = Number(text);
  if (text !== '' && seconds >= 0 && seconds <= 3_600) return seconds;
  throw new BadRequestException('seconds: expected a number from 0 to 3600');
}
