import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { Resolver } from 'node:dns/promises';
import {
  createServer,
  type AddressInfo,
  type Server,
  type Socket as Stream,
} from 'node:net';
import { decode, encode, type Answer, type Packet } from 'dns-packet';

/** What the server does with a question. */
export type Zone =
  | readonly Answer[]
  /** There is such a name, and no record of the type. */
  | 'nodata'
  | 'nxdomain'
  | 'servfail'
  | 'silence';

/** After so long, what is not answered is silence. */
export const SILENCE_MS = 1_000;

/** Of the length that resolvers ask for, and with truncation said. */
const LONGEST_PACKET = 1_232;
const TRUNCATED = 0x0380;

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

/** `from` is another name for `to`; without it the name that was asked for. */
export const cname = (to: string, from = '', ttl = 60): Answer => ({
  name: from,
  type: 'CNAME',
  ttl,
  data: to,
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
  /** How many of them came by TCP. */
  streamed = 0;
  private readonly zones = new Map<string, Zone>();

  private constructor(
    private readonly socket: Socket,
    private readonly streams: Server,
  ) {
    socket.on('message', (message, from) => this.hear(message, from));
    streams.on('connection', (stream: Stream) => this.converse(stream));
  }

  static async start(): Promise<DnsServer> {
    const streams = createServer();
    streams.listen(0, '127.0.0.1');
    await once(streams, 'listening');
    const { port } = streams.address() as AddressInfo;
    const socket = createSocket('udp4');
    socket.bind(port, '127.0.0.1');
    await once(socket, 'listening');
    return new DnsServer(socket, streams);
  }

  /** `question` as in `A payments.internal`. */
  answer(question: string, zone: Zone): void {
    this.zones.set(question, zone);
  }

  asked(question: string): number {
    return this.questions.filter((each) => each === question).length;
  }

  /** That waits for an answer as long as a slow machine takes, or for silence. */
  resolver(timeout = 10_000): Resolver {
    const resolver = new Resolver({ timeout, tries: 1 });
    resolver.setServers([`127.0.0.1:${this.socket.address().port}`]);
    return resolver;
  }

  async stop(): Promise<void> {
    this.socket.close();
    this.streams.close();
    await once(this.socket, 'close');
  }

  /** An answer too long for a packet says so, and is to be fetched by TCP. */
  private hear(message: Buffer, { port, address }: RemoteInfo): void {
    const reply = this.replyTo(decode(message));
    if (reply === undefined) return;
    const isTooLong = reply.length > LONGEST_PACKET;
    const { id, questions } = decode(reply);
    const cut = { type: 'response', id, flags: TRUNCATED, questions } as const;
    this.socket.send(isTooLong ? encode(cut) : reply, port, address);
  }

  private converse(stream: Stream): void {
    let heard = Buffer.alloc(0);
    stream.on('error', () => stream.destroy());
    stream.on('data', (chunk: Buffer) => {
      heard = Buffer.concat([heard, chunk]);
      while (heard.length > 1 && heard.length >= 2 + heard.readUInt16BE()) {
        const end = 2 + heard.readUInt16BE();
        this.streamed += 1;
        const reply = this.replyTo(decode(heard.subarray(2, end)));
        heard = heard.subarray(end);
        if (reply === undefined) continue;
        const length = Buffer.alloc(2);
        length.writeUInt16BE(reply.length);
        stream.write(Buffer.concat([length, reply]));
      }
    });
  }

  private replyTo(query: Packet): Buffer | undefined {
    const [question] = query.questions ?? [];
    if (question === undefined) return undefined;
    const name = `${question.type} ${question.name.toLowerCase()}`;
    this.questions.push(name);
    const zone = this.zones.get(name) ?? 'nxdomain';
    if (zone === 'silence') return undefined;
    const answers = typeof zone === 'string' ? [] : zone;
    const code = zone === 'nxdomain' || zone === 'servfail' ? CODES[zone] : 0;
    // In the name that was asked for, letter by letter.
    const reply = encode({
      type: 'response',
      id: query.id ?? 0,
      flags: 0x0180 | code,
      questions: [question],
      answers: answers.map((each) => ({
        ...each,
        name: each.name || question.name,
      })),
    });
    return reply;
  }
}
