/**
 * Where lines go: any object with the methods of Nest's logger.
 *
 * @publicApi
 */
export interface DaceLogger {
  log(message: string): void;
  warn(message: string): void;
  error(message: string): void;
  debug?(message: string): void;
}
