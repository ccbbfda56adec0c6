import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { Resolver } from 'node:dns/promises';
import { decode, encode, type Answer } from 'dns-packet';

/** What the server does with a question. */
export type Zone =
  | readonly Answer[]
  /** There is such a name, and no record of the type. */
  | 'nodata'
  | 'nxdomain'
  | 'servfail'
  | 'silence';

const CODES = { nxdomain: 3, servfail: 2 } as const;

export const a = (address: string, ttl = 60): Answer => ({
  name: '',
  type: 'A',
  ttl,
  data: address,
});

export const aaaa = (address: string, ttl = 60): Answer => ({
  name: '',
  type: 'AAAA',
  ttl,
  data: address,
});

export const srv = (
  target: string,
  port: number,
  { priority = 0, weight = 0 } = {},
): Answer => ({
  name: '',
  type: 'SRV',
  ttl: 60,
  data: { target, port, priority, weight },
});

/** A name server on loopback that answers as the test says, and counts what it was asked. */
export class DnsServer {
  readonly questions: string[] = [];
  private readonly zones = new Map<string, Zone>();

  private constructor(private readonly socket: Socket) {
    socket.on('message', (message, from) => this.hear(message, from));
  }

  static async start(): Promise<DnsServer> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new DnsServer(socket);
  }

  /** `question` as in `A payments.internal`. */
  answer(question: string, zone: Zone): void {
    this.zones.set(question, zone);
  }

  asked(question: string): number {
    return this.questions.filter((each) => each === question).length;
  }

  resolver(timeout = 300): Resolver {
    const resolver = new Resolver({ timeout, tries: 1 });
    resolver.setServers([`127.0.0.1:${this.socket.address().port}`]);
    return resolver;
  }

  async stop(): Promise<void> {
    this.socket.close();
    await once(this.socket, 'close');
  }

  private hear(message: Buffer, { port, address }: RemoteInfo): void {
    const query = decode(message);
    const [question] = query.questions ?? [];
    if (question === undefined) return;
    const name = `${question.type} ${question.name.toLowerCase()}`;
    this.questions.push(name);
    const zone = this.zones.get(name) ?? 'nxdomain';
    if (zone === 'silence') return;
    const answers = typeof zone === 'string' ? [] : zone;
    const code = zone === 'nxdomain' || zone === 'servfail' ? CODES[zone] : 0;
    // In the name that was asked for, letter by letter.
    const reply = encode({
      type: 'response',
      id: query.id ?? 0,
      flags: 0x0180 | code,
      questions: [question],
      answers: answers.map((each) => ({ ...each, name: question.name })),
    });
    this.socket.send(reply, port, address);
  }
}
