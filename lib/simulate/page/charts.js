/**
 * Draws the report's charts into their places, and lets mouse and keyboard move through them.
 */
const CHARTS = 'figure[data-chart]:has(.plot)';

/** @type {{ plot: any, figure: Element, at: number | null }[]} */
let drawn = [];

function draw(figure) {
  const kind = figure.getAttribute('data-chart') ?? '';
  const source = runs[Number(figure.getAttribute('data-run'))];
  const run = {
    ...source,
    x: Array.from({ length: source.seconds + 1 }, (_, second) => second),
  };
  const place = figure.querySelector('.plot');
  const {
    draw: paint,
    data,
    ...options
  } = kind === 'states' ? statesOptions(run) : seriesOptions(kind, run);
  /** @type {{ plot: any, figure: Element, at: number | null }} */
  const entry = { plot: null, figure, at: null };
  const plot = new uPlot(
    {
      ...options,
      width: place.clientWidth,
      scales: { x: { time: false, range: xRange }, ...options.scales },
      legend: { show: false },
      padding: [8, 18, 0, 0],
      cursor: {
        sync: { key: SYNC.key, scales: ['x', null] },
        drag: { x: true, y: false, setScale: true },
        points: { show: false },
        y: false,
      },
      hooks: {
        drawClear: [(self) => tint(self, run)],
        ...(paint && { draw: [paint] }),
        setCursor: [(self) => tell(entry, secondAt(self), kind, run)],
      },
    },
    data,
    place,
  );
  entry.plot = plot;
  drawn.push(entry);
  tell(entry, null, kind, run);
  figure.setAttribute('data-drawn', '');
}

/** @returns {[number, number]} */
const xRange = (_plot, min, max) =>
  min === null || max - min < 1 ? [0, longest] : [min, max];

/** The second whose step is under the cursor. */
function secondAt(plot) {
  const { left } = plot.cursor;
  return left === undefined || left === null || left < 0
    ? null
    : Math.floor(plot.posToVal(left, 'x'));
}

/** The legend says what is under the cursor. */
function tell(entry, index, kind, run) {
  const { figure } = entry;
  const second = index === null ? null : Math.min(index, run.seconds - 1);
  entry.at = second;
  figure.querySelector('.at').textContent =
    second === null ? '' : clock(second);
  if (kind === 'states') return;
  for (const place of figure.querySelectorAll('.entry')) {
    const values = run[kind][Number(place.getAttribute('data-series'))]?.values;
    const value = second === null ? null : values?.[second];
    place.querySelector('.value').textContent =
      value === null || value === undefined ? '' : FORMATS[kind](value);
  }
}

function zoom(from, to) {
  const min = Math.max(0, from);
  const max = Math.min(longest, to);
  const at = drawn.find((one) => one.at !== null)?.at ?? null;
  for (const { plot } of drawn) plot.setScale('x', { min, max });
  if (at !== null) pointAt(at);
}

function onKey(event, entry) {
  const { plot } = entry;
  const { min, max } = plot.scales.x;
  const last = plot.data[0].length - 2;
  const at = entry.at ?? Math.round(min) - 1;
  const middle = entry.at ?? (min + max) / 2;
  const half = (max - min) / 2;
  const moves = {
    ArrowLeft: () => moveTo(plot, Math.max(0, at - 1)),
    ArrowRight: () => moveTo(plot, Math.min(last, at + 1)),
    Home: () => moveTo(plot, 0),
    End: () => moveTo(plot, last),
    '+': () => half > 2 && zoom(middle - half / 2, middle + half / 2),
    '-': () => zoom(middle - half * 2, middle + half * 2),
    Escape: () => zoom(0, longest),
  };
  const move = moves[event.key === '=' ? '+' : event.key];
  if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  move();
}

function moveTo(plot, second) {
  const { min, max } = plot.scales.x;
  const width = max - min;
  if (second < min || second > max) {
    const from = Math.min(Math.max(0, second - width / 2), longest - width);
    zoom(from, from + width);
  }
  pointAt(second);
}

/** A new scale holds from the next microtask on. */
function pointAt(second) {
  queueMicrotask(() => {
    for (const { plot } of drawn) {
      const left = plot.valToPos(second + 0.5, 'x');
      plot.setCursor({ left, top: plot.over.clientHeight / 2 });
    }
  });
}

function drawAll() {
  for (const { plot } of drawn) plot.destroy();
  drawn = [];
  for (const figure of document.querySelectorAll(CHARTS)) draw(figure);
}

drawAll();
for (const figure of document.querySelectorAll(CHARTS)) {
  const place = figure.querySelector('.plot');
  place.addEventListener('keydown', (event) => {
    const entry = drawn.find((one) => one.figure === figure);
    if (entry) onKey(event, entry);
  });
  new ResizeObserver(() => {
    const entry = drawn.find((one) => one.figure === figure);
    const width = place.clientWidth;
    if (entry && width > 0 && width !== entry.plot.width)
      entry.plot.setSize({ width, height: entry.plot.height });
  }).observe(place);
}
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
