// The classes of Bragg reflections with their colours and how many there are.

import { CLASSES, NOT_ANALYSED } from './colours.js';
import { element, setText, throttled } from './dom.js';
import { count, percent } from './words.js';

const EVERY_MS = 300;
const EXCLUDED = 254; // values from here on are no classes

/** How many positions have each class, by its value. */
export function countClasses(data, measured) {
  const counts = new Uint32Array(256);
  for (let i = 0; i < data.length; i++) counts[measured[i] ? data[i] : NOT_ANALYSED]++;
  return counts;
}

export class Legend {
  #lines = CLASSES.map((one) => new Line(one));
  #later = throttled(() => this.#show(), EVERY_MS);
  #pass = null;

  constructor() {
    this.root = element('ul', { class: 'legend', 'aria-label': 'Classes of Bragg reflections' }, ...this.#lines.map(({ root }) => root));
  }

  show(data, measured) {
    this.#pass = { data, measured };
    this.#later();
  }

  #show() {
    const counts = countClasses(this.#pass.data, this.#pass.measured);
    const n = CLASSES.reduce((sum, { value }) => sum + (value < EXCLUDED ? counts[value] : 0), 0);
    for (const line of this.#lines) line.show(counts[line.value], n);
  }
}

class Line {
  constructor({ value, name, css }) {
    this.value = value;
    const chip = element('i', { class: 'chip', 'aria-hidden': 'true' });
    chip.style.background = css;
    [this.found, this.part] = [element('b'), element('small')];
    this.root = element('li', {}, chip, element('span', {}, name), this.found, this.part);
  }

  /** `found` of the `n` that were classified. */
  show(found, n) {
    this.root.hidden = this.value >= EXCLUDED && found === 0;
    setText(this.found, count(found));
    setText(this.part, this.value < EXCLUDED && n > 0 ? percent(found / n) : '');
  }
}
