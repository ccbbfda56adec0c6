/**
 * What the hosts of a scenario do to their callers, in words, and when it is out of the ordinary.
 */
import type {
  HostBehaviour,
  HostPhase,
  HostProfile,
  ScenarioRecord,
  SimulatedLatency,
} from '../simulation/contract.js';
import { factor, percent, span } from './numbers.js';

/** From the first change of any host or of the traffic until all is as it was. */
export interface Trouble {
  readonly fromMs: number;
  /** Null where something never becomes what it was. */
  readonly toMs: number | null;
}

export interface WeatherLine {
  readonly atS: number;
  readonly host: string;
  readonly text: string;
}

export function troubleOf({
  hosts = [],
  traffic,
}: ScenarioRecord): Trouble | null {
  const spans = [...hosts.map(troubleOfHost), troubleOfTraffic(traffic)].filter(
    (trouble) => trouble !== undefined,
  );
  if (spans.length === 0) return null;
  const ends = spans.map(({ toMs }) => toMs);
  return {
    fromMs: Math.min(...spans.map(({ fromMs }) => fromMs)),
    toMs: ends.includes(null) ? null : Math.max(...ends.map(Number)),
  };
}

function troubleOfHost(host: HostProfile): Trouble | undefined {
  const usual = signature(behaviourAt(host, 0));
  const changes = (host.phases ?? []).filter(
    ({ fromS }) => fromS > 0 && signature(behaviourAt(host, fromS)) !== usual,
  );
  if (changes.length === 0) return undefined;
  const last = host.phases!.at(-1)!;
  const isBack = signature(behaviourAt(host, last.fromS)) === usual;
  return {
    fromMs: changes[0]!.fromS * 1_000,
    toMs: isBack ? (last.fromS + (last.rampS ?? 0)) * 1_000 : null,
  };
}

function troubleOfTraffic(
  traffic: ScenarioRecord['traffic'] = [],
): Trouble | undefined {
  if (typeof traffic === 'number' || traffic.length === 0) return undefined;
  const usual = traffic[0]!.perSecond;
  const change = traffic.find(({ perSecond }) => perSecond !== usual);
  if (change === undefined) return undefined;
  const back = traffic.at(-1)!;
  return {
    fromMs: change.fromS * 1_000,
    toMs: back.perSecond === usual ? back.fromS * 1_000 : null,
  };
}

/** What holds at the end of all changes that began by `atS`. */
function behaviourAt(host: HostProfile, atS: number): HostBehaviour {
  const begun = (host.phases ?? []).filter(({ fromS }) => fromS <= atS);
  return Object.assign({}, host, ...begun.map(given)) as HostBehaviour;
}

const given = (phase: HostPhase): object =>
  Object.fromEntries(
    Object.entries(phase).filter(([, value]) => value !== undefined),
  );

/** The same text for behaviours that callers cannot tell apart. */
function signature(behaviour: HostBehaviour): string {
  const { latencyMs = 20, errorRatio = 0, hangRatio = 0 } = behaviour;
  const fails = errorRatio > 0;
  return JSON.stringify([
    latencyMs,
    errorRatio,
    fails && [
      behaviour.errorLatencyMs ?? latencyMs,
      behaviour.status ?? 500,
      behaviour.retryAfterS ?? null,
    ],
    hangRatio,
    behaviour.refusesConnections ?? false,
    behaviour.capacity ?? null,
  ]);
}

/** Everything the hosts do, in the order in which it happens; those that do the same together. */
export function weatherLines(
  { hosts = [] }: ScenarioRecord,
  names: readonly string[],
): WeatherLine[] {
  const lines = hosts.flatMap((host, index) => {
    const phases = host.phases ?? [];
    const start = phases[0]?.fromS === 0 ? [] : [{ fromS: 0 }];
    return [...start, ...phases].map((phase: HostPhase) => ({
      atS: phase.fromS,
      host: names[index] ?? `host ${index + 1}`,
      text: textOf(behaviourAt(host, phase.fromS), phase.rampS ?? 0),
    }));
  });
  const together = new Map<string, WeatherLine>();
  for (const line of lines) {
    const key = `${line.atS} ${line.text}`;
    const same = together.get(key);
    const host = same ? `${same.host}, ${line.host}` : line.host;
    together.set(key, { ...line, host });
  }
  return [...together.values()].toSorted((a, b) => a.atS - b.atS);
}

function textOf(behaviour: HostBehaviour, rampS: number): string {
  const { errorRatio = 0, hangRatio = 0, capacity } = behaviour;
  const end = rampS > 0 ? `, reached over ${factor(rampS)} s` : '';
  if (behaviour.refusesConnections) return `refuses connections${end}`;
  const parts = [`answers in ${latency(behaviour.latencyMs ?? 20)}`];
  if (errorRatio > 0) parts.push(errors(behaviour, errorRatio));
  if (hangRatio > 0) parts.push(`${percent(hangRatio)} never answered`);
  if (capacity !== undefined) parts.push(`serves ${capacity} at once`);
  return parts.join('; ') + end;
}

function errors(behaviour: HostBehaviour, errorRatio: number): string {
  const { errorLatencyMs, retryAfterS, status = 500 } = behaviour;
  const time =
    errorLatencyMs === undefined ? '' : ` in ${latency(errorLatencyMs)}`;
  const after = retryAfterS === undefined ? '' : `, Retry-After ${retryAfterS}`;
  return `${percent(errorRatio)} are answered ${status}${time}${after}`;
}

const latency = (value: SimulatedLatency): string =>
  typeof value === 'number'
    ? span(value)
    : `${span(value.p50)} (p99 ${span(value.p99)})`;
