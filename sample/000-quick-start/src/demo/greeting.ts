import type { Upstreams } from './upstreams.js';

/** Where everything is. */
export function introduction(url: string, upstreams: Upstreams): string {
  return `
The app listens on ${url}; a little traffic is on its way.
  catalog   ${upstreams.catalogUrls.join(' and ')}
  payments  ${upstreams.payments.url} (fails now and then)
  reports   ${upstreams.reports.url} (hangs now and then)
`;
}

/** What to open and what to try. */
export function invitation(url: string): string {
  const curl = (path: string, why: string): string =>
    `  ${`curl -i '${url}${path}'`.padEnd(56)}  ${why}`;
  return [
    'Open',
    ...['/catalog', '/balance/alice', '/report', '/health'].map(
      (path) => `  ${url}${path}`,
    ),
    '',
    'Try',
    curl('/demo/kill', 'one catalog host dies, the other answers'),
    curl('/catalog', '200; kill the other one too: its fallback'),
    curl('/demo/revive', 'both catalog hosts live'),
    curl('/demo/outage?seconds=10', 'payments fails for 10 s'),
    curl('/balance/alice', 'meanwhile 503 at once, with Retry-After'),
    curl('/health', 'meanwhile 503: payments is critical'),
    curl('/demo/hang?seconds=10', 'reports does not answer for 10 s'),
    curl('/report', 'meanwhile 200, the last report'),
    curl('/report/strict', 'meanwhile 504 after 300 ms, later 503 at once'),
    '',
    'Ctrl-C ends it.',
    '',
  ].join('\n');
}
