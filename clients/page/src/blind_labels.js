// Patterns one by one, without what the classifier said of them: a person says the class by a key, and at the end both
// are compared.

import { CLASSES, COLOUR_MAPS } from './colours.js';
import { percentileLimits } from './contrast.js';
import { button, element, setText } from './dom.js';
import { ImageView } from './image_view.js';
import { paint, scaledTable } from './raster.js';
import { count } from './words.js';

const FILM = CLASSES.filter(({ value }) => value < 254);

/** `n` different positions that were classified, in random order; `random` as Math.random. */
export function choosePositions({ data, measured }, nx, n, random = Math.random) {
  const known = [];
  for (let i = 0; i < data.length; i++) if (measured[i] && data[i] < 254) known.push(i);
  for (let i = 0; i < Math.min(n, known.length); i++) {
    const other = i + Math.floor(random() * (known.length - i));
    [known[i], known[other]] = [known[other], known[i]];
  }
  return known.slice(0, n).map((i) => ({ y: Math.floor(i / nx), x: i % nx }));
}

export class BlindLabels {
  /** `patternAt({y, x})` resolves to {data, shape}. */
  constructor({ connection, toasts, patternAt }) {
    Object.assign(this, { connection, toasts, patternAt, labels: [], at: 0 });
    this.view = new ImageView('Pattern to be labelled');
    this.told = element('p', { class: 'muted', role: 'status' });
    this.choices = FILM.map(({ value, key, name }) => button(`${value}  ${name}`, `Key ${value}`, () => this.#label(key)));
    this.back = button('Back', 'Backspace: the pattern before', () => this.#back());
    this.result = element('div', { class: 'blind-result' });
    this.page = element('dialog', { class: 'blind', 'aria-label': 'Blind labels' },
      element('h2', {}, 'What do you see?'), this.told, element('div', { class: 'blind-stage' }, this.view.root), this.result,
      element('div', { class: 'buttons' }, ...this.choices, this.back, button('Leave', 'Forget these labels', () => this.page.close())));
    // Before the image sees them, to which 0 is a key too.
    this.page.addEventListener('keydown', (event) => this.#key(event), { capture: true });
    this.page.addEventListener('close', () => this.page.remove());
  }

  open(positions) {
    this.positions = positions;
    this.fetched = new Map();
    document.body.append(this.page);
    this.page.showModal();
    return this.#show();
  }

  #key(event) {
    const chosen = FILM.find(({ value }) => event.key === String(value));
    if (chosen) this.#label(chosen.key);
    else if (event.key === 'Backspace') this.#back();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #label(key) {
    if (this.busy || this.at >= this.positions.length) return;
    const { y, x } = this.positions[this.at];
    this.labels[this.at++] = [y, x, key];
    if (this.at < this.positions.length) this.#show();
    else this.#finish();
  }

  #back() {
    if (this.busy || this.at === 0 || this.at >= this.positions.length) return;
    this.at--;
    this.#show();
  }

  // The next one is fetched while this one is looked at.
  #fetch(i) {
    if (i < this.positions.length && !this.fetched.has(i)) this.fetched.set(i, this.patternAt(this.positions[i]));
    return this.fetched.get(i);
  }

  async #show() {
    this.busy = true;
    setText(this.told, `${this.at + 1} of ${this.positions.length}`);
    await this.toasts.attempt(async () => {
      const { data, shape } = await this.#fetch(this.at);
      this.view.shape(...shape);
      paint(this.view.words, data, null, percentileLimits(data, null, [0, 99.9]), scaledTable(COLOUR_MAPS.inferno.table, 'sqrt'));
      this.view.painted();
    });
    this.busy = false;
    this.#fetch(this.at + 1)?.catch(() => {});
  }

  async #finish() {
    this.choices.concat(this.back).forEach((one) => { one.disabled = true; });
    await this.toasts.attempt(async () => {
      const { result } = await this.connection.request('bragg_labels', { labels: this.labels });
      setText(this.told, `${count(this.labels.length)} patterns labelled`);
      this.result.replaceChildren(agreement('With reflections or without', result.bragg), agreement('The class', result.classes));
    });
  }
}

function agreement(what, { observed, kappa, kappa_interval: interval }) {
  const told = kappa === null ? '' : `, Cohen's κ ${kappa.toFixed(2)} (${interval.map((v) => v?.toFixed(2) ?? '–').join(' to ')})`;
  return element('p', {}, element('b', {}, `${what}: `), `the classifier agrees in ${(100 * observed).toFixed(0)} %${told}`);
}
