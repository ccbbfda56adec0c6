import { AxiosHeaders } from 'axios';
import { Exchange } from './exchange.js';

/**
 * An exchange for an axios instance, which does the transforms itself. The instance hands the same
 * config to every attempt, so the dependency's headers go into a copy: a token that a function
 * gives is asked for anew.
 */
export class AdapterExchange extends Exchange {
  protected override prepare(): void | Promise<void> {
    const headers = new AxiosHeaders(this.config.headers);
    this.config = { ...this.config, headers };
    return super.prepare();
  }
}
