/**
 * One place where a dependency can be reached, as the options gave it, checked.
 */
export interface HostSetting {
  readonly protocol: 'http' | 'https';
  /** `host:port`, always with the port, lower case, IPv6 in brackets. */
  readonly netloc: string;
  /** Origin and base path, no trailing slash. */
  readonly baseUrl: string;
  readonly weight: number;
}
