/**
 * What is played, a scene after the other: what each of them shows is checked where it is played.
 */
import { Injectable } from '@nestjs/common';
import { InjectDependency, isDaceError, type Dependency } from 'nestjs-dace';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { BooksService } from '../books.service.js';
import { CoversService } from '../covers.service.js';
import { LoansService } from '../loans.service.js';
import { ReviewsService } from '../reviews.service.js';
import type { Check } from './check.js';
import type { Library } from './library.js';
import { came } from './came.js';
import { within } from './within.js';

/** By then a host that died must be out, and one that lives again must be back. */
const PATIENCE_MS = 3_000;
const READERS = 40;

@Injectable()
export class Script {
  constructor(
    @InjectDependency('library') private readonly dependency: Dependency,
    private readonly books: BooksService,
    private readonly covers: CoversService,
    private readonly loans: LoansService,
    private readonly reviews: ReviewsService,
  ) {}

  async play(library: Library, tell: (text: string) => void): Promise<Check[]> {
    tell('> every client asks');
    const checks = [await this.askByAll()];
    tell('> URLs that lead elsewhere');
    checks.push(...(await this.leadAway(library)));
    tell('> requests that hang');
    checks.push(...(await this.hang(library)));
    tell('> requests that fail');
    checks.push(...(await this.fail(library)));
    tell(`> ${library.first.netloc} dies, and comes back`);
    checks.push(...(await this.dieAndComeBack(library)));
    return checks;
  }

  private async askByAll(): Promise<Check> {
    let received = 0;
    const into = (): Writable =>
      new Writable({
        write: (chunk: Buffer, _encoding, done) => {
          received += chunk.length;
          done();
        },
      });
    const { shelf } = await this.books.find('dune');
    const { number } = await this.loans.borrow('dune');
    const byFetch = await this.reviews.byFetch('dune');
    const byDispatcher = await this.reviews.byDispatcher('dune');
    await this.covers.copy('dune', into);
    return {
      what: `fetch (shelf ${shelf}), undici (loan ${number}, a cover of ${received} bytes) and a client of others (${byFetch.stars} stars, ${byDispatcher.stars} stars) are answered`,
      isMet:
        shelf === 'B 7' &&
        number === 1 &&
        received === 100_000 &&
        byFetch.stars === 4 &&
        byDispatcher.stars === 4,
    };
  }

  private async leadAway(library: Library): Promise<Check[]> {
    const { stranger, first } = library;
    const forged = await came(this.books.open(`${stranger.url}/books/dune`));
    const redirected = await came(this.books.open(`${first.url}/moved/dune`));
    return [
      {
        what: 'a URL of a stranger, and a redirect to one, are refused',
        isMet: isForeign(forged.error) && isForeign(redirected.error),
      },
      {
        what: `the stranger was asked nothing (${stranger.requests.length} requests)`,
        isMet: stranger.requests.length === 0,
      },
    ];
  }

  private async hang(library: Library): Promise<Check[]> {
    library.willGoWrong('hangs');
    const through = await came(this.books.find('dune'));
    library.willGoWrong('hangs');
    const beside = await came(this.books.findByItself('dune'));
    const isHungUp = await within(PATIENCE_MS, () => library.hungUp === 2);
    const times = [through, beside].map(({ tookMs }) => tookMs.toFixed(0));
    return [
      {
        what: `fetch is cut in time, through the agent (${times[0]} ms) and by call.signal (${times[1]} ms)`,
        isMet: [through, beside].every(
          ({ error, tookMs }) =>
            isDaceError(error, 'DACE_TIMEOUT') && tookMs < 1_000,
        ),
      },
      {
        what: `the host was hung up on (${library.hungUp} of 2)`,
        isMet: isHungUp,
      },
    ];
  }

  private async fail(library: Library): Promise<Check[]> {
    const books = library.count('GET /books/emma');
    library.willGoWrong('fails');
    const found = await came(this.books.find('emma'));
    const asked = library.count('GET /books/emma') - books;
    const loans = library.loans;
    library.willGoWrong('resets');
    const lent = await came(this.loans.borrow('emma'));
    const sent = library.loans - loans;
    return [
      {
        what: `a GET that failed was tried again (${asked} requests) and answered`,
        isMet: found.error === undefined && asked === 2,
      },
      {
        what: `a POST that broke off was not (${sent} request), its error is the caller's`,
        isMet: lent.error !== undefined && sent === 1,
      },
    ];
  }

  private async dieAndComeBack({ first }: Library): Promise<Check[]> {
    const isIn = (): boolean =>
      this.dependency
        .snapshot()
        .hosts.some(
          ({ netloc, inService }) => netloc === first.netloc && inService,
        );
    const startedMs = performance.now();
    await first.die();
    const failed = await this.readUntil(() => !isIn());
    const outMs = performance.now() - startedMs;
    const lost = await this.readTimes(READERS);
    await first.revive();
    const revivedMs = performance.now();
    const failedLater = await this.readUntil(isIn);
    const backMs = performance.now() - revivedMs;
    const before = first.requests.length;
    const lostLater = await this.readTimes(READERS);
    const share = first.requests.length - before;
    return [
      {
        what: `the dead host was out after ${outMs.toFixed(0)} ms, and no reader saw it (${failed + lost} errors)`,
        isMet: outMs < PATIENCE_MS && failed + lost === 0,
      },
      {
        what: `alive, it was back after ${backMs.toFixed(0)} ms and asked again (${share} of ${READERS}; ${failedLater + lostLater} errors)`,
        isMet:
          backMs < PATIENCE_MS && share > 0 && failedLater + lostLater === 0,
      },
    ];
  }

  /** Asks until then; how many got an error. */
  private async readUntil(isOver: () => boolean): Promise<number> {
    const endMs = performance.now() + PATIENCE_MS;
    let failed = 0;
    while (!isOver() && performance.now() < endMs) {
      failed += await this.readTimes(1);
      await sleep(10);
    }
    return failed;
  }

  private async readTimes(times: number): Promise<number> {
    let failed = 0;
    for (let time = 0; time < times; time++) {
      const { error } = await came(this.books.find('dune'));
      if (error !== undefined) failed += 1;
    }
    return failed;
  }
}

/** `fetch` tells every reason as the cause of a `TypeError`. */
function isForeign(error: unknown): boolean {
  return (
    isDaceError(error, 'DACE_FOREIGN_HOST') ||
    (error instanceof Error && isForeign(error.cause))
  );
}
