// The steering side: tabs, one form each. On narrow screens it lies folded at the bottom, its tabs always in sight.

import { button, element, setText } from './dom.js';

export class Side {
  /** `tabs`: [{id, title, root, shown?(), left?()}]; `steer()` tells who holds control. */
  constructor(tabs, settings, store, steer) {
    this.tabs = tabs;
    this.settings = settings;
    this.buttons = tabs.map(({ id, title }) => element('button', {
      type: 'button', role: 'tab', id: `tab-${id}`, 'aria-controls': `panel-${id}`, onclick: () => this.#clicked(id),
      onkeydown: (event) => this.#key(event),
    }, title));
    tabs.forEach(({ id, root }) => {
      root.id = `panel-${id}`;
      root.setAttribute('role', 'tabpanel');
      root.setAttribute('aria-labelledby', `tab-${id}`);
      root.tabIndex = 0;
      root.classList.add('tab-panel');
    });
    this.root = element('aside', { class: 'side folded', 'aria-label': 'Steering' },
      element('div', { class: 'tabs', role: 'tablist', 'aria-label': 'Steering' }, ...this.buttons), this.#notice(store, steer), ...tabs.map(({ root }) => root));
    this.open(settings.get('tab', tabs[0].id));
  }

  // The tab that is open, once more: folds or unfolds, which shows on narrow screens only.
  #clicked(id) {
    this.root.classList.toggle('folded', this.chosen.id === id && !this.root.classList.contains('folded'));
    this.open(id);
  }

  // Why nothing here can be used, where that is so.
  #notice(store, steer) {
    const words = element('span');
    const notice = element('p', { class: 'locked', hidden: true }, words, button('Control', 'Who holds control; take it', steer));
    store.on('control', () => {
      notice.hidden = store.control.may || !store.connection.connected;
      setText(words, store.control.reason);
    });
    return notice;
  }

  /** `remembered`: whether it is open next time too, as what the viewer opens is. */
  open(id, { remembered = true } = {}) {
    const chosen = this.tabs.find((tab) => tab.id === id) ?? this.tabs[0];
    if (this.chosen !== chosen) this.chosen?.left?.();
    this.chosen = chosen;
    if (remembered) this.settings.set('tab', chosen.id);
    this.tabs.forEach((tab, i) => {
      const open = tab === chosen;
      tab.root.hidden = !open;
      this.buttons[i].setAttribute('aria-selected', String(open));
      this.buttons[i].tabIndex = open ? 0 : -1;
    });
    chosen.shown?.();
  }

  /** The next tab that is there, with the keys in it. */
  openNext() {
    this.root.classList.remove('folded');
    const there = this.tabs.filter((_, i) => !this.buttons[i].hidden);
    this.open(there[(there.indexOf(this.chosen) + 1) % there.length].id);
    this.buttons[this.tabs.indexOf(this.chosen)].focus();
  }

  #key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = this.buttons.indexOf(event.currentTarget);
    const next = (at + step + this.tabs.length) % this.tabs.length;
    this.open(this.tabs[next].id);
    this.buttons[next].focus();
  }
}
