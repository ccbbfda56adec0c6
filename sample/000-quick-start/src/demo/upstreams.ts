/**
 * What the app depends on, played by servers on loopback. They fail by count, not by chance, so
 * that every run shows the same.
 */
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { RequestListener, ServerResponse } from 'node:http';
import { Upstream } from './upstream.js';

@Injectable()
export class Upstreams implements OnApplicationShutdown {
  private outageUntilMs = 0;
  private hangUntilMs = 0;
  private paymentsAsked = 0;
  private reportsAsked = 0;

  readonly catalog = [
    new Upstream(catalogHost('north')),
    new Upstream(catalogHost('south')),
  ];

  /** Each 8th answer is a 500, each 20th a torn connection; in an outage all are 500. */
  readonly payments = new Upstream((request, response) => {
    if (Date.now() < this.outageUntilMs) {
      this.paymentsAsked = 0;
      return answer(response, 500, { error: 'no database' });
    }
    this.paymentsAsked += 1;
    if (this.paymentsAsked % 20 === 0) return request.socket.resetAndDestroy();
    if (this.paymentsAsked % 8 === 0)
      return answer(response, 500, { error: 'deadlock' });
    const account = decodeURIComponent(request.url?.split('/').at(-1) ?? '');
    answer(response, 200, { account, amount: 100 });
  });

  /** Each 5th request gets no answer; while it hangs none does. */
  readonly reports = new Upstream((_request, response) => {
    this.reportsAsked += 1;
    if (Date.now() < this.hangUntilMs || this.reportsAsked % 5 === 0) return;
    answer(response, 200, { number: this.reportsAsked });
  });

  static async start(): Promise<Upstreams> {
    const upstreams = new Upstreams();
    await Promise.all(upstreams.all.map((each) => each.start()));
    return upstreams;
  }

  get catalogUrls(): string[] {
    return this.catalog.map(({ url }) => url);
  }

  /** The next catalog host that lives dies; its URL. */
  async kill(): Promise<string | undefined> {
    const host = this.catalog.find(({ isAlive }) => isAlive);
    await host?.stop();
    return host?.url;
  }

  async revive(): Promise<void> {
    await Promise.all(this.catalog.map((host) => host.start()));
  }

  failPayments(ms: number): void {
    this.outageUntilMs = Date.now() + ms;
  }

  hangReports(ms: number): void {
    this.hangUntilMs = Date.now() + ms;
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.all.map((each) => each.stop()));
  }

  private get all(): readonly Upstream[] {
    return [...this.catalog, this.payments, this.reports];
  }
}

function catalogHost(from: string): RequestListener {
  return (_request, response) =>
    answer(response, 200, { from, items: ['lamp', 'chair', 'desk'] });
}

/** Answers as a service does: not at once, and not always equally fast. */
function answer(response: ServerResponse, status: number, body: object): void {
  setTimeout(
    () => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    },
    5 + Math.random() * 15,
  );
}
