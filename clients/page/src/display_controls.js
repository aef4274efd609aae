// Histogram, limits, scale and colours of the display that is chosen.

import { COLOUR_MAPS } from './colours.js';
import { button, choice, coalesced, element, onBeat, throttled } from './dom.js';
import { HistogramView } from './histogram_view.js';
import { value } from './words.js';

const PERCENTS = [['0.1,99.9', '0.1–99.9 %'], ['0,99.9', '0–99.9 %'], ['1,99', '1–99 %'], ['5,95', '5–95 %'], ['0,100', 'min–max']];
// A histogram of a map that grows is of use a few times a second, and costs more than painting the rows that came.
const EVERY_MS = 300;
const AUTO = [['always', 'auto'], ['once', 'auto once'], ['never', 'fixed']];

export class DisplayControls {
  #display = null;
  #soon;

  constructor(label) {
    this.histogram = new HistogramView(label);
    this.low = limitInput(`${label}: low limit`, () => this.#typed());
    this.high = limitInput(`${label}: high limit`, () => this.#typed());
    this.auto = choice(`${label}: automatic limits`, AUTO, 'always', (v) => this.#display.setAuto(v));
    this.percent = choice(`${label}: percentiles`, PERCENTS, '0.1,99.9', (v) => this.#display.setPercent(v.split(',').map(Number)));
    this.scale = choice(`${label}: scale, of the display only`, ['linear', 'sqrt', 'log'], 'linear', (v) => this.#display.setScale(v));
    this.colours = choice(`${label}: colours`, Object.keys(COLOUR_MAPS), 'grey', (v) => this.#display.setColours(v));
    this.visible = button('view', 'Contrast from the part that is seen when zoomed: colours then change with zoom', () => this.#display.setVisible(!this.#display.contrast.visible),
      { class: 'toggle', 'aria-label': `${label}: contrast from the part in view` });
    this.root = element('div', { class: 'display-controls' },
      this.low, this.histogram.root, this.high,
      element('div', { class: 'display-selects' }, this.auto, this.percent, this.visible, this.scale, this.colours));
    this.histogram.addEventListener('limits', ({ detail }) => this.#display.setLimits(detail));
    const show = () => this.#show();
    this.#soon = coalesced(show);
    const nowAndThen = throttled(() => onBeat(show), EVERY_MS);
    this.listener = ({ detail }) => (detail.touched ? this.#soon() : nowAndThen());
  }

  attach(display) {
    this.#display?.removeEventListener('shown', this.listener);
    this.#display = display;
    display.addEventListener('shown', this.listener);
    this.#soon();
  }

  get display() {
    return this.#display;
  }

  #typed() {
    const [low, high] = [this.low, this.high].map((input) => Number(input.value));
    if (Number.isFinite(low) && Number.isFinite(high)) this.#display.setLimits([low, high]);
  }

  #show() {
    const { image, contrast, kind, colours, table } = this.#display;
    const inert = kind === 'classes' || !image;
    this.root.classList.toggle('inert', inert);
    for (const control of [this.low, this.high, this.auto, this.percent, this.visible, this.scale, this.colours]) control.disabled = inert;
    if (inert) return;
    this.auto.value = contrast.auto;
    this.percent.value = contrast.percent.join(',');
    this.scale.value = contrast.scale;
    this.colours.value = colours;
    this.visible.setAttribute('aria-pressed', String(contrast.visible));
    if (!contrast.limits) return;
    [this.low, this.high].forEach((input, i) => {
      if (document.activeElement !== input) input.value = plain(contrast.limits[i]);
    });
    this.histogram.show(image.data, image.measured, contrast.limits, table);
  }
}

const plain = (v) => (Number.isInteger(v) ? String(v) : value(v).replace(/,/g, ''));

function limitInput(label, changed) {
  return element('input', { type: 'text', inputmode: 'decimal', class: 'limit-input', 'aria-label': label, title: label, onchange: changed });
}
