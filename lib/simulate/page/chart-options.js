/**
 * What the report's charts look like: colours, scales, axes, columns. The files of this folder are
 * put into the page as they stand, one after the other in one function, and run in a browser.
 */
const STATES = ['closed', 'half-open', 'open'];
const AXIS_WIDTH = 58;
const ROW_HEIGHT = 34;
const HEIGHTS = { callers: 210, served: 120, latency: 180 };
const SYNC = uPlot.sync('seconds');

const holder = document.getElementById('simulation');
/** @type {{ runs: any[] }} */
const { runs } = JSON.parse(holder?.textContent ?? '{ "runs": [] }');

const colour = (name) =>
  getComputedStyle(document.documentElement)
    .getPropertyValue(`--${name}`)
    .trim();

const CALLERS = [
  'is-succeeded',
  'is-fallback',
  'is-refused',
  'is-timedOut',
  'is-failed',
];
const COLOURS = {
  callers: (index) => CALLERS[index],
  served: () => 'is-succeeded',
  latency: (index) => ['p50', 'p90', 'p99'][index],
  attempts: (index) => `host-${index % 10}`,
  failures: (index) => `host-${index % 10}`,
};

const number = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat('en-US', { maximumFractionDigits: 2 });
const FORMATS = {
  callers: (value) => number.format(value),
  served: (value) => `${percent.format(Math.floor(value * 100) / 100)} %`,
  latency: (value) =>
    value < 1_000
      ? `${number.format(value)} ms`
      : `${number.format(value / 1_000)} s`,
  attempts: (value) => number.format(value),
  failures: (value) => number.format(value),
};

const clock = (seconds) => {
  const rest = seconds % 60;
  return runs[0].seconds <= 180
    ? `${seconds} s`
    : `${Math.floor(seconds / 60)}:${String(rest).padStart(2, '0')}`;
};

/** A step runs to the next second, the last one too. */
const closing = (values) => [...values, values.at(-1) ?? null];

/** Each layer is drawn from the ground up behind the ones below it. */
function stacked(series) {
  const sums = [];
  for (const { values } of series) {
    const below = sums.at(-1);
    sums.push(values.map((value, i) => value + (below?.[i] ?? 0)));
  }
  return sums;
}

/** A logarithmic scale has no place for a refusal, which takes no time. */
const aboveFloor = (value) => (value === null ? null : Math.max(value, 1));

const columnsOf = (kind, run) =>
  kind === 'callers'
    ? stacked(run.callers)
    : run[kind].map(({ values }) =>
        kind === 'latency' ? values.map(aboveFloor) : values,
      );

/**
 * What is lost is what is looked for: the scale begins as near to it as it can.
 *
 * @returns {[number, number]}
 */
function servedRange(values) {
  const least = values.reduce((a, b) => Math.min(a, b), 100);
  const floor = [99, 90, 50, 0].find((edge) => edge < least || edge === 0);
  return [floor ?? 0, 100 + (100 - (floor ?? 0)) * 0.06];
}

/**
 * The same scale for the same chart of every run.
 *
 * @returns {[number, number]}
 */
function rangeOf(kind) {
  const all = runs
    .flatMap((run) => columnsOf(kind, run).flat())
    .filter((value) => value !== null);
  if (kind === 'served') return servedRange(all);
  const most = all.reduce((a, b) => Math.max(a, b), 0);
  if (kind !== 'latency') return [0, most === 0 ? 1 : most * 1.08];
  return [0.9, Math.max(most * 1.3, 10)];
}

const longest = runs.reduce((most, run) => Math.max(most, run.seconds), 1);

const xAxis = () => ({
  stroke: colour('text-soft'),
  grid: { stroke: colour('grid'), width: 1 },
  ticks: { stroke: colour('grid'), width: 1, size: 4 },
  font: '12px system-ui, sans-serif',
  size: 28,
  space: 56,
  incrs: [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600],
  values: (_plot, splits) => splits.map(clock),
});

const quarters = (_plot, _axis, min) =>
  [0, 0.25, 0.5, 0.75, 1].map((share) => min + share * (100 - min));

const powersOfTen = (_plot, _axis, _min, max) =>
  [1, 10, 100, 1_000, 10_000, 100_000].filter((value) => value <= max);

const yAxis = (kind) => ({
  stroke: colour('text-soft'),
  grid: { stroke: colour('grid'), width: 1 },
  ticks: { show: false },
  font: '12px system-ui, sans-serif',
  size: AXIS_WIDTH,
  gap: 6,
  space: kind === 'latency' ? 22 : 34,
  ...(kind === 'served' && { splits: quarters }),
  ...(kind === 'latency' && { splits: powersOfTen }),
  values: (_plot, splits) =>
    splits.map((value) =>
      value === null ? '' : FORMATS[kind](value).replace('.0', ''),
    ),
});

/** Behind everything: when the hosts were in trouble. */
function tint(plot, run) {
  if (run.trouble === null) return;
  const { ctx, bbox } = plot;
  const toMs = run.trouble.toMs ?? run.seconds * 1_000;
  const left = Math.max(xOf(plot, run.trouble.fromMs), bbox.left);
  const right = Math.min(xOf(plot, toMs), bbox.left + bbox.width);
  if (right <= left) return;
  ctx.save();
  ctx.fillStyle = colour('tint');
  ctx.fillRect(left, bbox.top, right - left, bbox.height);
  ctx.fillStyle = colour('trouble');
  const edge = 3 * devicePixelRatio;
  ctx.fillRect(left, bbox.top, right - left, edge);
  ctx.restore();
}

const xOf = (plot, ms) => plot.valToPos(ms / 1_000, 'x', true);

/** One bar a row: thin where closed, higher where fewer get through. */
function paintStates(plot, run) {
  const { ctx, bbox } = plot;
  const scale = devicePixelRatio;
  const full = 12 * scale;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  run.states.forEach((row, index) => {
    const top = bbox.top + (index * ROW_HEIGHT + 17) * scale;
    for (const { fromMs, toMs, state } of row.spans) {
      const left = xOf(plot, fromMs);
      const width = Math.max(xOf(plot, toMs) - left, 1.5 * scale);
      const share = { closed: 0.25, 'half-open': 0.6 }[state] ?? 1;
      const height = STATES.includes(state) ? full * share : full * 0.25;
      ctx.fillStyle = colour(`is-${state}`) || colour('text-soft');
      ctx.fillRect(left, top + full - height, width, height);
    }
    ctx.fillStyle = colour('is-open');
    for (const atMs of row.wouldOpenMs)
      ctx.fillRect(xOf(plot, atMs) - scale, top, 2 * scale, full);
    ctx.fillStyle = colour('text');
    ctx.font = `${12 * scale}px system-ui, sans-serif`;
    ctx.textAlign = 'left';
    ctx.textBaseline = 'bottom';
    ctx.fillText(row.name, bbox.left + 4 * scale, top - scale);
  });
  ctx.restore();
}

function statesOptions(run) {
  return {
    height: run.states.length * ROW_HEIGHT + 42,
    series: [
      {},
      { show: true, stroke: 'transparent', points: { show: false } },
    ],
    axes: [
      xAxis(),
      {
        show: true,
        size: AXIS_WIDTH,
        grid: { show: false },
        ticks: { show: false },
        values: () => [],
      },
    ],
    scales: { y: { range: /** @type {[number, number]} */ ([0, 1]) } },
    data: [run.x, run.x.map(() => null)],
    draw: (plot) => paintStates(plot, run),
  };
}

function seriesOptions(kind, run) {
  const columns = columnsOf(kind, run);
  const isStack = kind === 'callers';
  const order = columns.map((_, index) => index);
  // Later series lie over earlier ones: of a stack the highest comes first, of hosts the last.
  if (isStack) order.reverse();
  const path = uPlot.paths.stepped?.({ align: 1 });
  return {
    height: HEIGHTS[kind] ?? 170,
    series: [
      {},
      ...order.map((index) => ({
        stroke: colour(COLOURS[kind](index)),
        width: isStack ? 0 : 1.75,
        ...(isStack && { fill: colour(COLOURS[kind](index)) }),
        ...(kind === 'served' && { fill: colour('served-fill') }),
        points: { show: false },
        paths: path,
      })),
    ],
    axes: [xAxis(), yAxis(kind)],
    scales: {
      y: {
        range: rangeOf(kind),
        ...(kind === 'latency' && {
          distr: /** @type {const} */ (3),
          log: /** @type {const} */ (10),
        }),
      },
    },
    data: [run.x, ...order.map((index) => closing(columns[index]))],
  };
}
