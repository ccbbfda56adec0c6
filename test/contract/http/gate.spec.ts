import {
  createDependency,
  DaceForeignHostError,
  type Dependency,
} from 'nestjs-dace/core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Attacker } from '../../support/attacker.js';
import {
  configs,
  foreignUrls,
  noRequests,
  ownUrls,
  paths,
  type Attack,
  type Ports,
} from '../../support/attacks.js';
import { Upstream, echo } from '../../support/http-upstream.js';
import { AXIOS_WAYS, WAYS, waysTo } from '../../support/ways.js';

const SECRETS = {
  authorization: 'Bearer t0ken',
  cookie: 'sid=1',
  'x-api-key': 'k3y',
};

let own: Upstream;
let attacker: Attacker;
let dependency: Dependency;
let ports: Ports;

beforeAll(async () => {
  own = await Upstream.start(echo);
  attacker = await Attacker.start();
  ports = { own: own.port, evil: attacker.port };
  dependency = createDependency('payments', {
    hosts: [`${own.origin}/v1`],
    fallback: 'a fallback',
    retry: { on: 'any' },
    circuit: false,
    http: { headers: { 'x-default': 's3cret' }, secretHeaders: ['x-api-key'] },
  });
});
beforeEach(() => {
  own.requests.length = 0;
});
afterAll(async () => {
  await dependency.close();
  await own.stop();
  expect(await attacker.spoils()).toEqual({ connections: 0, bytes: 0 });
  await attacker.stop();
});

type Name = (typeof WAYS)[number];

const sent = (way: Name, attack: Attack): Promise<unknown> => {
  const config = attack.config(ports);
  const headers = { ...SECRETS, ...(config.headers as object) };
  const ways = waysTo(dependency, `${own.origin}/v1/`);
  return ways[way]({ ...config, headers });
};

const isRefused = async (way: Name, attack: Attack): Promise<void> => {
  const outcome = await sent(way, attack).catch((error: unknown) => error);
  expect(outcome).toBeInstanceOf(DaceForeignHostError);
  expect(own.requests).toHaveLength(0);
  expect(attacker.connections).toBe(0);
};

const reaches = async (way: Name, attack: Attack): Promise<void> => {
  await sent(way, attack);
  const [{ url, headers }] = own.requests as [(typeof own.requests)[0]];
  expect(own.requests).toHaveLength(1);
  if (typeof attack.reaches === 'string')
    expect(url).toBe(attack.reaches.replace('EVIL', String(ports.evil)));
  else expect(url).toMatch(attack.reaches as RegExp);
  expect(headers).not.toHaveProperty('x-injected');
  expect(attacker.connections).toBe(0);
};

/** An agent is given whole URLs of http; whoever reads them for it refuses the rest. */
function isForAgent({ config }: Attack): boolean {
  const { url = '' } = config({ own: 1, evil: 2 });
  if (!URL.canParse(url, 'http://127.0.0.1:1')) return false;
  const { protocol, origin } = new URL(url, 'http://127.0.0.1:1');
  return /^https?:/.test(protocol) && origin !== 'http://127.0.0.1:1';
}

describe.each(WAYS)('The gate, before %s', (way) => {
  const refused = foreignUrls.filter(
    (attack) => way !== 'call.agent' || isForAgent(attack),
  );

  it.each(refused)('refuses $name', (attack) => isRefused(way, attack));

  it.each(ownUrls)('lets through $name', (attack) => reaches(way, attack));
});

describe.each(AXIOS_WAYS)('The gate, before a relative URL of %s', (way) => {
  const stopped = paths.filter((attack) => attack.reaches === undefined);
  const kept = paths.filter((attack) => attack.reaches !== undefined);

  it.each(stopped)('refuses $name', (attack) => isRefused(way, attack));
  it.each(kept)('keeps at home $name', (attack) => reaches(way, attack));
});

describe.each(AXIOS_WAYS)('The gate, before a config of %s', (way) => {
  const stopped = configs.filter((attack) => attack.reaches === undefined);
  const kept = configs.filter((attack) => attack.reaches !== undefined);

  it.each(stopped)('refuses $name', (attack) => isRefused(way, attack));
  it.each(kept)('is not led away by $name', (attack) => reaches(way, attack));
  it.each(noRequests)('lets nothing be added by $name', async (attack) => {
    await sent(way, attack).catch(() => {});
    // axios makes one line of a header of several; nothing else is sent at all.
    const isOneLine = way === 'HttpService' && attack.name.startsWith('a Host');
    expect(own.requests).toHaveLength(isOneLine ? 1 : 0);
    for (const { url, headers } of own.requests) {
      expect(url).toBe('/v1/x');
      expect(headers).not.toHaveProperty('x-injected');
    }
    expect(attacker.connections).toBe(0);
  });
});
