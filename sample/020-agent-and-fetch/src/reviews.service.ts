import { Injectable } from '@nestjs/common';
import { InjectDependency, type Dependency } from 'nestjs-dace';
import { fetchThrough } from './fetch-through.js';
import { ReviewsClient, type Review } from './reviews-client.js';

/** By a client that is not ours: one for each attempt costs nothing, its connections stay. */
@Injectable()
export class ReviewsService {
  constructor(
    @InjectDependency('library') private readonly library: Dependency,
  ) {}

  byFetch(book: string): Promise<Review> {
    return this.library.execute((call) =>
      new ReviewsClient({
        baseUrl: call.baseUrl ?? '',
        fetch: fetchThrough(call),
      }).of(book),
    );
  }

  byDispatcher(book: string): Promise<Review> {
    return this.library.execute((call) =>
      new ReviewsClient({
        baseUrl: call.baseUrl ?? '',
        dispatcher: call.agent,
      }).of(book),
    );
  }
}
