import type { IncomingMessage, ServerResponse } from 'node:http';
import { Host } from './host.js';

/** What one request meets instead of an answer. */
export type Mishap = 'fails' | 'resets' | 'hangs';

/** The library: two hosts with the same books, and a stranger next door. */
export class Library {
  /** Requests whose caller hung up before an answer came. */
  hungUp = 0;
  /** Loans that were made, whether anybody was told or not. */
  loans = 0;
  private mishap: Mishap | undefined;

  private constructor(
    readonly first: Host,
    readonly second: Host,
    readonly stranger: Host,
  ) {
    for (const host of this.hosts) host.answer = this.receive.bind(this);
  }

  static async open(): Promise<Library> {
    const [first, second, stranger] = await Promise.all([
      Host.start(),
      Host.start(),
      Host.start(),
    ]);
    return new Library(first, second, stranger);
  }

  get hosts(): readonly [Host, Host] {
    return [this.first, this.second];
  }

  get connections(): number {
    return this.first.connections + this.second.connections;
  }

  /** How often a request like this, `'POST /loans'`, has arrived. */
  count(request: string): number {
    const all = this.hosts.flatMap(({ requests }) => requests);
    return all.filter((one) => one === request).length;
  }

  /** The next request, on whichever host, goes wrong. */
  willGoWrong(mishap: Mishap): void {
    this.mishap = mishap;
  }

  async close(): Promise<void> {
    await Promise.all([...this.hosts, this.stranger].map((host) => host.die()));
  }

  private receive(request: IncomingMessage, response: ServerResponse): void {
    const { mishap } = this;
    this.mishap = undefined;
    const [, kind = '', id = ''] = (request.url ?? '').split('/');
    if (kind === 'loans') this.loans += 1;
    switch (mishap) {
      case 'fails':
        return tell(response, 500, {});
      case 'resets':
        response.socket?.resetAndDestroy();
        return;
      case 'hangs':
        response.once('close', () => (this.hungUp += 1));
        return;
      default:
    }
    if (kind === 'books') tell(response, 200, { id, shelf: 'B 7' });
    else if (kind === 'reviews') tell(response, 200, { book: id, stars: 4 });
    else if (kind === 'loans') tell(response, 201, { number: this.loans });
    else if (kind === 'covers') response.end(Buffer.alloc(100_000, 'x'));
    else if (kind === 'moved')
      response.writeHead(302, { location: this.stranger.url }).end();
    else tell(response, 404, {});
  }
}

function tell(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
