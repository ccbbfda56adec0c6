/**
 * Which host of the options is which host of the scenario.
 */
import type { OptionProblem } from '../core/errors.js';
import { normalizeNetloc, parseHost } from '../dependency/netloc.js';
import { show } from '../dependency/option-text.js';
import type { DependencyOptions, HostInput } from '../dependency/options.js';
import type { HostProfile, Scenario } from './contract.js';

/** What the upstream of a dependency without hosts is called. */
export const UNNAMED = 'upstream';

export interface NamedHost {
  /** Undefined for the upstream of a dependency without hosts. */
  readonly netloc: string | undefined;
  readonly baseUrl: string;
  readonly profile: HostProfile;
  /** What the dependency's options hold for it. */
  readonly input: HostInput | undefined;
}

/** The hosts of a scenario that was checked. */
export function hostsOfScenario({ hosts, options }: Scenario): NamedHost[] {
  const inputs = listedHosts(options);
  const count = hosts?.length ?? inputs?.length ?? 0;
  if (count === 0) {
    const baseUrl = `http://${UNNAMED}`;
    return [{ netloc: undefined, baseUrl, profile: {}, input: undefined }];
  }
  return Array.from({ length: count }, (_, index) =>
    nameHost(hosts?.[index] ?? {}, inputs?.[index], index),
  );
}

/** Where hosts, those of the options and the peer of a call do not fit together. */
export function fleetProblems(scenario: Scenario): OptionProblem[] {
  const { hosts, options, call } = scenario;
  const problems: OptionProblem[] = [];
  const tell = (option: string, message: string): void => {
    problems.push({ option, message: `${option} ${message}` });
  };
  if (options?.hosts !== undefined && listedHosts(options) === undefined)
    tell(
      'options.hosts',
      'is a source of hosts: a simulation knows its hosts from the start, list them',
    );
  const inputs = listedHosts(options);
  if (hosts && inputs && hosts.length !== inputs.length)
    tell(
      'hosts',
      `has ${hosts.length} and options.hosts ${inputs.length}: each host of the options is simulated by the profile in its place; leave out one of the two lists`,
    );
  if (problems.length > 0) return problems;
  const named = hostsOfScenario(scenario);
  named.forEach(({ netloc, profile }, index) => {
    const host = profile.netloc && parseHost(profile.netloc);
    if (typeof host === 'string' && host !== '')
      tell(`hosts[${index}].netloc`, `is ${show(profile.netloc)}: ${host}`);
    else if (typeof host === 'object' && host.netloc !== netloc)
      tell(
        `hosts[${index}].netloc`,
        `is ${show(host.netloc)}, but options.hosts[${index}] is ${show(netloc)}: leave out one of the two`,
      );
  });
  const netlocs = named.map(({ netloc }) => netloc);
  netlocs.forEach((netloc, index) => {
    if (netlocs.indexOf(netloc) < index)
      tell(`hosts[${index}].netloc`, `is ${show(netloc)} again`);
  });
  const peer = call?.netloc === undefined ? '' : normalizeNetloc(call.netloc);
  if (peer !== '' && !netlocs.includes(peer))
    tell('call.netloc', `is ${show(peer)}: expected a host of the scenario`);
  return problems;
}

function listedHosts(
  options: DependencyOptions | undefined,
): readonly HostInput[] | undefined {
  const hosts: unknown = options?.hosts;
  return Array.isArray(hosts) ? (hosts as readonly HostInput[]) : undefined;
}

function nameHost(
  profile: HostProfile,
  written: HostInput | undefined,
  index: number,
): NamedHost {
  const text = written ?? profile.netloc ?? `host-${index + 1}`;
  const { weight } = profile;
  const url = typeof text === 'object' && 'url' in text ? text.url : text;
  const input = weight === undefined ? text : { url, weight };
  const host = parseHost(input);
  // What is no host is for the dependency to tell.
  return typeof host === 'string'
    ? { netloc: String(url), baseUrl: '', profile, input }
    : { netloc: host.netloc, baseUrl: host.baseUrl, profile, input };
}
