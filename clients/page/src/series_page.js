// The fraction with Bragg reflections against a label of the scans, such as strain: all scans since merlind began.

import { button, element, field } from './dom.js';
import { count, percent } from './words.js';

const SVG = 'http://www.w3.org/2000/svg';
const [WIDTH, HEIGHT] = [700, 240];
const MARGIN = { left: 52, right: 20, top: 14, bottom: 34 };

const drawn = (name, attributes, text) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
};

/** Where each row stands along x: by its number where all are numbers, else evenly. From 0 to 1. */
export function placesOf(rows) {
  const numbers = rows.map(({ value }) => Number(value));
  const even = rows.map((_, i) => (rows.length > 1 ? i / (rows.length - 1) : 0.5));
  if (!numbers.every(Number.isFinite)) return even;
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  return high > low ? numbers.map((v) => (v - low) / (high - low)) : even;
}

function plotOf({ label, rows }) {
  const top = Math.min(1, 1.15 * Math.max(0.05, ...rows.map(({ interval }) => interval[1])));
  const x = (part) => MARGIN.left + 20 + part * (WIDTH - MARGIN.left - MARGIN.right - 40);
  const y = (fraction) => HEIGHT - MARGIN.bottom - (fraction / top) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const plot = drawn('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': `Fraction with reflections against ${label}` });
  for (const part of [0, 0.5, 1]) {
    plot.append(drawn('line', { class: 'axis', x1: MARGIN.left, x2: WIDTH - MARGIN.right, y1: y(part * top), y2: y(part * top) }),
      drawn('text', { x: MARGIN.left - 8, y: y(part * top) + 5, 'text-anchor': 'end' }, `${(100 * part * top).toFixed(0)} %`));
  }
  placesOf(rows).forEach((place, i) => {
    const { fraction, interval, value } = rows[i];
    plot.append(drawn('text', { x: x(place), y: HEIGHT - 10, 'text-anchor': 'middle' }, value));
    if (fraction === null) return;
    plot.append(drawn('line', { class: 'bar', x1: x(place), x2: x(place), y1: y(interval[0]), y2: y(interval[1]) }),
      drawn('circle', { class: 'dot', cx: x(place), cy: y(fraction), r: 5 }));
  });
  return plot;
}

function tableOf({ label, rows }) {
  const heads = [label, 'Scans', 'Patterns', 'With reflections', 'Interval', 'Beware'].map((text) => element('th', { scope: 'col' }, text));
  const line = ({ value, scans, n, fraction, interval, flags }) => element('tr', {}, element('th', { scope: 'row' }, value),
    ...[count(scans), count(n), fraction === null ? '–' : percent(fraction), `${interval.map((v) => (100 * v).toFixed(1)).join(' to ')} %`,
      flags.join(', ') || '–'].map((text) => element('td', {}, text)));
  return element('table', {}, element('thead', {}, element('tr', {}, ...heads)), element('tbody', {}, ...rows.map(line)));
}

/** Opens the page; while it is open it is made anew after every scan. */
export function openSeries({ store, connection, toasts }) {
  const first = Object.keys(store.run?.labels ?? {})[0] ?? 'strain';
  const place = element('div', {});
  const label = field('Label', { type: 'text', value: first, onchange: () => load() });
  const page = element('dialog', { class: 'series', 'aria-label': 'Series' },
    element('h2', {}, 'Scans of this series'), label, place,
    element('div', { class: 'buttons' }, element('span', { class: 'muted' }, 'Scans get labels in the tab Scan, such as strain = 8.'), button('Close', 'Close', () => page.close(), { class: 'primary' })));
  let run = store.run?.id;

  async function load() {
    await toasts.attempt(async () => {
      const { result } = await connection.request('bragg_series', { label: label.input.value.trim() });
      const { series } = result;
      const nothing = element('p', { class: 'muted' }, 'No finished scan has this label.');
      place.replaceChildren(...(series.rows.length ? [plotOf(series), tableOf(series)] : [nothing]), ...series.warnings.map((text) => element('p', { class: 'muted' }, text)));
    });
  }

  const again = () => {
    if (store.run?.state !== 'finished' || store.run.id === run) return;
    run = store.run.id;
    load();
  };
  store.addEventListener('run', again);
  page.addEventListener('close', () => {
    store.removeEventListener('run', again);
    page.remove();
  });
  document.body.append(page);
  page.showModal();
  return load();
}
