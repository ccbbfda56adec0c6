import { describe, expect, it } from 'vitest';
import { stateRows } from '../../../lib/simulate/spans.js';
import { simulationByHand } from '../../support/simulations.js';

const seconds = [{}, {}, {}, {}];

describe('The states over time', () => {
  it('begin closed and last to the end', () => {
    expect(stateRows(simulationByHand({ seconds }))).toEqual([
      {
        name: 'circuit',
        isHost: false,
        spans: [{ fromMs: 0, toMs: 4_000, state: 'closed' }],
        wouldOpenMs: [],
      },
    ]);
  });

  it('keep the dependency and its hosts apart', () => {
    const [circuit, first, second] = stateRows(
      simulationByHand({
        seconds: [{ hosts: [{}, {}] }],
        hosts: ['a:80', 'b:80'],
        transitions: [
          { atMs: 100, type: 'circuit.opened', netloc: 'b:80' },
          { atMs: 100, type: 'host.out', netloc: 'b:80' },
          { atMs: 300, type: 'circuit.half-opened', netloc: 'b:80' },
          { atMs: 350, type: 'circuit.closed', netloc: 'b:80' },
        ],
      }),
    );

    expect(circuit?.spans).toHaveLength(1);
    expect(first?.spans).toHaveLength(1);
    expect(second).toMatchObject({
      name: 'b:80',
      isHost: true,
      spans: [
        { fromMs: 0, toMs: 100, state: 'closed' },
        { fromMs: 100, toMs: 300, state: 'open' },
        { fromMs: 300, toMs: 350, state: 'half-open' },
        { fromMs: 350, toMs: 1_000, state: 'closed' },
      ],
    });
  });

  it('mark when a circuit would have opened, had it not only been measured', () => {
    const [circuit] = stateRows(
      simulationByHand({
        seconds: [{ state: 'metrics-only' }],
        transitions: [{ atMs: 700, type: 'circuit.would-open' }],
      }),
    );

    expect(circuit?.wouldOpenMs).toEqual([700]);
    expect(circuit?.spans).toEqual([
      { fromMs: 0, toMs: 1_000, state: 'metrics-only' },
    ]);
  });

  it('are none without a circuit', () => {
    expect(
      stateRows(
        simulationByHand({
          seconds,
          scenario: { options: { circuit: false } },
        }),
      ),
    ).toEqual([]);
  });
});
