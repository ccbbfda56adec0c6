/**
 * A client as others write them: of the world outside it knows a base URL, and a `fetch` or a
 * dispatcher that it may be given.
 */
import { request, type Dispatcher } from 'undici';

export interface Review {
  readonly book: string;
  readonly stars: number;
}

export interface ReviewsClientOptions {
  readonly baseUrl: string;
  readonly fetch?: typeof fetch;
  readonly dispatcher?: Dispatcher;
}

export class ReviewsClient {
  constructor(private readonly options: ReviewsClientOptions) {}

  async of(book: string): Promise<Review> {
    const url = `${this.options.baseUrl}/reviews/${book}`;
    const { dispatcher, fetch: ask = fetch } = this.options;
    if (dispatcher === undefined) {
      const response = await ask(url);
      if (!response.ok)
        throw await this.error(response.status, response.text());
      return (await response.json()) as Review;
    }
    const { statusCode, body } = await request(url, { dispatcher });
    if (statusCode !== 200) throw await this.error(statusCode, body.text());
    return (await body.json()) as Review;
  }

  private async error(status: number, body: Promise<string>): Promise<Error> {
    return Object.assign(new Error(`Reviews: ${await body}`), { status });
  }
}
