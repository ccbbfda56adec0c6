/** What must happen: the run fails if it did not. */
export interface Check {
  readonly what: string;
  readonly isMet: boolean;
}
