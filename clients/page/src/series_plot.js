// The plot of a series: the fraction with Bragg reflections against a label of the scans, as SVG.

import { percent } from './words.js';

const SVG = 'http://www.w3.org/2000/svg';
const [WIDTH, HEIGHT] = [700, 258];
const MARGIN = { left: 52, right: 20, top: 14, bottom: 52 };

const drawn = (name, attributes, ...children) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
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

/**
 * The rows of a series, and with them the scan that goes on: {value, fraction, interval, growing: true}. A value that
 * has no finished scan yet gets a place of its own.
 */
export function withGrowing(rows, growing) {
  if (!growing) return rows;
  const all = [...rows, growing];
  const numbers = all.every(({ value }) => Number.isFinite(Number(value)));
  return numbers ? all.sort((a, b) => a.value - b.value) : all;
}

function markOf({ fraction, interval, growing, value }, x, y) {
  const tip = drawn('title', {}, `${value}: ${percent(fraction)}${growing ? ', so far' : ''}`);
  return [drawn('line', { class: growing ? 'bar growing' : 'bar', x1: x, x2: x, y1: y(interval[0]), y2: y(interval[1]) }),
    drawn('circle', { class: growing ? 'dot growing' : 'dot', cx: x, cy: y(fraction), r: 5 }, tip)];
}

/** Fractions with round percentages from 0 to `top`, five at most. */
export function ticksTo(top) {
  const step = [0.01, 0.02, 0.05, 0.1, 0.25].find((one) => top / one < 5);
  return Array.from({ length: Math.floor(top / step) + 1 }, (_, i) => i * step);
}

/** `rows`: {value, fraction, interval, growing?}, as withGrowing makes them. */
export function plotOf(label, rows) {
  const top = Math.min(1, 1.15 * Math.max(0.05, ...rows.map(({ interval }) => interval[1])));
  const x = (part) => MARGIN.left + 20 + part * (WIDTH - MARGIN.left - MARGIN.right - 40);
  const y = (fraction) => HEIGHT - MARGIN.bottom - (fraction / top) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const plot = drawn('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': `Fraction with reflections against ${label}` });
  for (const fraction of ticksTo(top)) {
    plot.append(drawn('line', { class: 'axis', x1: MARGIN.left, x2: WIDTH - MARGIN.right, y1: y(fraction), y2: y(fraction) }),
      drawn('text', { x: MARGIN.left - 8, y: y(fraction) + 5, 'text-anchor': 'end' }, `${(100 * fraction).toFixed(0)} %`));
  }
  plot.append(drawn('text', { x: x(0.5), y: HEIGHT - 8, 'text-anchor': 'middle' }, label));
  let named = null;
  placesOf(rows).forEach((place, i) => {
    const { value, fraction } = rows[i];
    if (String(value) !== named) plot.append(drawn('text', { x: x(place), y: HEIGHT - 28, 'text-anchor': 'middle' }, value));
    named = String(value);
    if (fraction !== null) plot.append(...markOf(rows[i], x(place) + (rows[i].growing ? 9 : 0), y));
  });
  return plot;
}

const COLOURS = { axis: ['stroke', '#bbb'], bar: ['stroke', '#1d7a3c'], dot: ['fill', '#1d7a3c'] };

/** The same as a figure that needs no style sheet: {svg, width, height}. */
export function plotFigure(plot) {
  const figure = plot.cloneNode(true);
  figure.setAttribute('xmlns', SVG);
  figure.setAttribute('width', WIDTH);
  figure.setAttribute('height', HEIGHT);
  figure.prepend(drawn('rect', { width: WIDTH, height: HEIGHT, fill: '#fff' }));
  figure.querySelectorAll('text').forEach((text) => {
    text.setAttribute('font-family', 'Helvetica, Arial, sans-serif');
    text.setAttribute('font-size', '14');
  });
  for (const [name, [key, colour]] of Object.entries(COLOURS)) {
    figure.querySelectorAll(`.${name}`).forEach((one) => {
      one.setAttribute(key, colour);
      if (name === 'bar') one.setAttribute('stroke-width', '2');
    });
  }
  return { svg: `${new XMLSerializer().serializeToString(figure)}\n`, width: WIDTH, height: HEIGHT };
}
