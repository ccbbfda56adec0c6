import type { Upstreams } from './upstreams.js';

/** What to open and what to try. */
export function greeting(url: string, upstreams: Upstreams): string {
  const curl = (path: string, why: string): string =>
    `  ${`curl -i ${url}${path}`.padEnd(58)} ${why}`;
  return `
The app listens on ${url}; a little traffic is on its way.

Upstreams
  catalog   ${upstreams.catalogUrls.join(' and ')}
  payments  ${upstreams.payments.url} (fails now and then)
  reports   ${upstreams.reports.url} (hangs now and then)

Open
  ${url}/catalog    ${url}/balance/alice    ${url}/report    ${url}/health

Try
${[
  curl('/demo/kill', 'one catalog host dies; /catalog goes on'),
  curl('/catalog', 'kill twice: the fallback'),
  curl('/demo/revive', 'all catalog hosts live again'),
  curl('/demo/outage?seconds=5', 'payments fails every request for 5 s'),
  curl('/balance/alice', 'meanwhile: 503 at once, Retry-After'),
  curl('/health', 'meanwhile: 503, payments is critical'),
  curl('/demo/hang?seconds=5', 'reports never answers for 5 s'),
  curl('/report', 'meanwhile: 200, the last report'),
  curl('/report/strict', 'meanwhile: 504 in 300 ms, then 503'),
].join('\n')}

Ctrl-C ends it.
`;
}
