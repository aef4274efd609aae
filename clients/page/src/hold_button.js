// A button that acts when it has been held down for a while, by mouse, finger or key: no accident, and no dialogue. Who lets
// go too soon is told so.

import { allow } from './control.js';
import { element } from './dom.js';

const HOLD_MS = 700;

export class HoldButton {
  #timer = 0;

  constructor(text, title, { held, tooShort }) {
    Object.assign(this, { held, tooShort });
    this.root = element('button', { type: 'button', class: 'hold', title }, element('span', {}, text));
    const { root } = this;
    root.addEventListener('pointerdown', (event) => event.button === 0 && this.#begin());
    for (const type of ['pointerup', 'keyup']) root.addEventListener(type, () => this.#letGo());
    for (const type of ['pointerleave', 'pointercancel', 'blur']) root.addEventListener(type, () => this.#end());
    root.addEventListener('keydown', (event) => {
      if ((event.key === ' ' || event.key === 'Enter') && !event.repeat) this.#begin();
    });
  }

  /** {may, reason}, as `allow` has them. */
  allow({ may, reason }) {
    allow(this.root, may, reason);
    if (!may) this.#end();
  }

  #begin() {
    this.#end();
    this.root.classList.add('holding');
    this.#timer = setTimeout(() => {
      this.#end();
      this.held();
    }, HOLD_MS);
  }

  #letGo() {
    const soon = this.#timer !== 0;
    this.#end();
    if (soon) this.tooShort();
  }

  #end() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.root.classList.remove('holding');
  }
}
