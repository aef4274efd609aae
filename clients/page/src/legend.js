// The classes of Bragg reflections with their colours and how many there are.

import { CLASSES, NOT_ANALYSED } from './colours.js';
import { element } from './dom.js';
import { count, percent } from './words.js';

/** How many positions have each class: Map of value to number. */
export function countClasses(data, measured) {
  const counts = new Map();
  for (let i = 0; i < data.length; i++) {
    const key = measured[i] ? data[i] : NOT_ANALYSED;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

export class Legend {
  constructor() {
    this.root = element('ul', { class: 'legend', 'aria-label': 'Classes of Bragg reflections' });
  }

  show(data, measured) {
    const counts = countClasses(data, measured);
    const film = CLASSES.filter(({ value }) => value < 254);
    const n = film.reduce((sum, { value }) => sum + (counts.get(value) ?? 0), 0);
    this.root.replaceChildren(...CLASSES.filter(({ value }) => value < 254 || counts.get(value)).map(({ value, name, css }) => {
      const chip = element('i', { class: 'chip', 'aria-hidden': 'true' });
      chip.style.background = css;
      const found = counts.get(value) ?? 0;
      const part = value < 254 && n > 0 ? percent(found / n) : '';
      return element('li', {}, chip, element('span', {}, name), element('b', {}, count(found)), element('small', {}, part));
    }));
  }
}
