/** Where requests go, and through what: each case has a server of its own. */
export const connectionRows = [
  'what a request says of its connection',
] as const;
