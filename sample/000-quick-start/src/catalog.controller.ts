import { Controller, Get } from '@nestjs/common';
import { Call, DaceCall, FaultTolerant } from 'nestjs-dace';

export interface Catalog {
  readonly from: string;
  readonly items: readonly string[];
}

/** Fail-over: a host that dies is passed by, and nobody notices; with both dead, a fallback. */
@Controller('catalog')
export class CatalogController {
  @Get()
  @FaultTolerant('catalog', { fallback: 'emptyCatalog' })
  async items(@DaceCall() call: Call = Call.injected): Promise<Catalog> {
    return (await call.http.get<Catalog>('/items')).data;
  }

  emptyCatalog(_error: unknown): Catalog {
    return { from: 'fallback', items: [] };
  }
}
