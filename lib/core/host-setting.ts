/**
 * Where a dependency is: as people and host sources write it, and as it is known once checked.
 */

/**
 * Where a dependency is: `http://10.0.0.1:8080/base`, `10.0.0.1:8080`, or a URL with more about it.
 *
 * Without a scheme port 443 means https, every other http. `name` is what the host is called where
 * the URL holds an address: it is sent as `Host` and is what a certificate is checked against.
 * @publicApi
 */
export type HostInput =
  | string
  | URL
  | {
      readonly url: string | URL;
      readonly weight?: number | undefined;
      readonly name?: string | undefined;
    };

/** One place where a dependency can be reached, as it was given, checked. */
export interface HostSetting {
  readonly protocol: 'http' | 'https';
  /** `host:port`, always with the port, lower case, IPv6 in brackets. */
  readonly netloc: string;
  /** Origin and base path, no trailing slash. */
  readonly baseUrl: string;
  readonly weight: number;
  /** What it is called in `Host` and in TLS, if not by its address. */
  readonly hostName?: string | undefined;
}

const HOST_NAME =
  /^[a-z\d_](?:[\w-]*[a-z\d_])?(?:\.[a-z\d_](?:[\w-]*[a-z\d_])?)*$/i;

/** A name that DNS and certificates know hosts by, or an IPv4 address. */
export function isHostName(value: unknown): value is string {
  return (
    typeof value === 'string' && value.length <= 253 && HOST_NAME.test(value)
  );
}
