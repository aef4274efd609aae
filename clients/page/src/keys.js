// The keyboard: what each key does, and the overlay that tells it.

import { button, dialog, element } from './dom.js';

const typing = (target) => target.matches?.('input, select, textarea');
/** Space and Enter are the buttons' own. */
const pressing = ({ target, key }) => [' ', 'Enter'].includes(key) && target.matches?.('button, a, summary');

/** `bindings`: [{keys: ['w'], shown: 'W A S D', text, act(event)}]; `shown` only in the first of several. */
export function listenForKeys(bindings) {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || pressing(event) || document.querySelector('dialog[open]')) return;
    const binding = bindings.find(({ keys }) => keys.includes(event.key.length === 1 ? event.key.toLowerCase() : event.key));
    if (!binding) return;
    event.preventDefault();
    binding.act(event);
  });
}

export function openHelp(bindings) {
  const rows = bindings.filter(({ shown }) => shown).map(({ shown, text }) => element('tr', {},
    element('th', { scope: 'row' }, ...shown.split(' ').map((key) => element('kbd', {}, key))), element('td', {}, text)));
  const more = [
    ['Wheel', 'zoom; drag to pan, double-click to fit'], ['Click', 'on a map: the pattern of this position'],
    ['⇧ Drag', 'on a map: the mean pattern of a region, the profile along a line (▭ ◯ ✎ ╱: which)'], ['Drag', 'on the pattern: move or resize the chosen aperture'],
  ].map(([shown, text]) => element('tr', {}, element('th', { scope: 'row' }, ...shown.split(' ').map((key) => element('kbd', {}, key))), element('td', {}, text)));
  const all = [...rows, ...more];
  const half = Math.ceil(all.length / 2);
  const table = (some) => element('table', {}, element('tbody', {}, ...some));
  const page = dialog({ class: 'help', 'aria-label': 'Keys' },
    element('h2', {}, 'Keys and mouse'), element('div', { class: 'help-columns' }, table(all.slice(0, half)), table(all.slice(half))),
    element('div', { class: 'buttons' }, button('Close', 'Close', () => page.close(), { class: 'primary' })));
}
