// What has just happened, in a corner, for some seconds; errors until they are read.

import { button, element } from './dom.js';

const SHOWN_MS = 6000;

export class Toasts {
  constructor() {
    this.root = element('div', { class: 'toasts', role: 'log', 'aria-label': 'What happened' });
  }

  say(text, tone = '') {
    const toast = element('div', { class: 'toast', 'data-tone': tone }, element('span', {}, text));
    const close = () => toast.remove();
    toast.append(button('×', 'Dismiss', close, { class: 'icon', 'aria-label': 'Dismiss' }));
    this.root.append(toast);
    while (this.root.children.length > 4) this.root.firstChild.remove();
    if (tone !== 'bad') setTimeout(close, SHOWN_MS);
  }

  /** Runs `work` and tells of its error. */
  async attempt(work) {
    try {
      return await work();
    } catch (error) {
      this.say(error.message, 'bad');
      return null;
    }
  }
}
