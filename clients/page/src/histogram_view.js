// A histogram of what an image shows, with two limits that can be dragged, and moved by arrow keys.

import { cssOf, STEPS } from './colours.js';
import { histogram } from './contrast.js';
import { element } from './dom.js';
import { themeColour } from './theme.js';
import { value } from './words.js';

const BINS = 160;
const KEY_STEP = 0.01;

/** Events: `limits` (detail [low, high]), when the operator has moved one. */
export class HistogramView extends EventTarget {
  #range = [0, 1];
  #limits = [0, 1];
  #counts = new Uint32Array(BINS);
  #table = null;
  #dragging = null;

  constructor(label) {
    super();
    this.canvas = element('canvas', { class: 'histogram-canvas', 'aria-hidden': 'true' });
    this.handles = ['low', 'high'].map((which, i) => this.#handle(which, i, label));
    this.root = element('div', { class: 'histogram' }, this.canvas, ...this.handles);
    new ResizeObserver(() => this.#draw()).observe(this.root);
    this.root.addEventListener('pointerdown', (event) => this.#press(event));
    this.root.addEventListener('pointermove', (event) => this.#dragging !== null && this.#drag(event));
    this.root.addEventListener('pointerup', () => { this.#dragging = null; });
  }

  /** `table`: the colours between the limits. The range shown is kept while a limit is being dragged. */
  show(data, measured, limits, table) {
    this.#limits = [...limits];
    this.#table = table;
    if (this.#dragging === null) this.#range = rangeOf(data, measured, limits);
    this.#counts = histogram(data, measured, ...this.#range, BINS);
    this.#draw();
  }

  #handle(which, i, label) {
    return element('div', {
      class: 'limit', role: 'slider', tabindex: '0', 'aria-label': `${label}: ${which} limit`, 'aria-valuenow': '0',
      onkeydown: (event) => this.#key(event, i),
    });
  }

  #press(event) {
    if (event.button !== 0) return;
    const at = this.#valueAt(event);
    this.#dragging = Math.abs(at - this.#limits[0]) <= Math.abs(at - this.#limits[1]) ? 0 : 1;
    this.root.setPointerCapture(event.pointerId);
    this.#drag(event);
  }

  #drag(event) {
    this.#move(this.#dragging, this.#valueAt(event));
  }

  #valueAt(event) {
    const box = this.root.getBoundingClientRect();
    const part = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    return this.#range[0] + part * (this.#range[1] - this.#range[0]);
  }

  #key(event, i) {
    const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const size = (this.#range[1] - this.#range[0]) * KEY_STEP * (event.shiftKey ? 5 : 1);
    this.#move(i, this.#limits[i] + step * size);
  }

  #move(i, to) {
    const limits = [...this.#limits];
    limits[i] = i === 0 ? Math.min(to, limits[1]) : Math.max(to, limits[0]);
    this.dispatchEvent(new CustomEvent('limits', { detail: limits }));
  }

  #draw() {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [this.root.clientWidth, this.root.clientHeight];
    if (!width) return;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const context = this.canvas.getContext('2d');
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const [low, high] = this.#range;
    const x = (v) => (width * (v - low)) / (high - low);
    this.#drawBars(context, width, height - 5, themeColour('--muted'));
    if (this.#table) this.#drawColours(context, x, width, height);
    this.handles.forEach((handle, i) => {
      handle.style.left = `${Math.min(width, Math.max(0, x(this.#limits[i])))}px`;
      handle.setAttribute('aria-valuenow', String(this.#limits[i]));
      handle.setAttribute('aria-valuetext', value(this.#limits[i]));
    });
  }

  // Heights are square roots: rare values stay to be seen.
  #drawBars(context, width, height, colour) {
    const most = Math.sqrt(Math.max(1, ...this.#counts));
    context.fillStyle = colour;
    context.globalAlpha = 0.6;
    const step = width / BINS;
    this.#counts.forEach((count, i) => {
      const tall = (height * Math.sqrt(count)) / most;
      context.fillRect(i * step, height - tall, Math.max(1, step - 0.4), tall);
    });
    context.globalAlpha = 1;
  }

  #drawColours(context, x, width, height) {
    const [from, to] = this.#limits.map(x);
    for (let at = 0; at < width; at++) {
      const t = Math.min(1, Math.max(0, (at - from) / Math.max(1, to - from)));
      context.fillStyle = cssOf(this.#table[Math.round(t * (this.#table.length - 1))] ?? this.#table[STEPS - 1]);
      context.fillRect(at, height - 4, 1, 4);
    }
  }
}

// From the least to the greatest value, unless a few outliers would squeeze all else into a corner.
function rangeOf(data, measured, [low, high]) {
  let [least, most] = [Infinity, -Infinity];
  for (let i = 0; i < data.length; i++) {
    const v = data[i];
    if ((measured && !measured[i]) || !Number.isFinite(v)) continue;
    if (v < least) least = v;
    if (v > most) most = v;
  }
  const span = high - low;
  const from = Math.min(low, Math.max(least, low - span));
  const to = Math.max(high, Math.min(most, high + span));
  return to > from ? [from, to] : [low, low + 1];
}
