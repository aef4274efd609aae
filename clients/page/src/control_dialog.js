// Who holds control, and taking it, giving it back, or taking it over.

import { button, dialog, element, field, setText } from './dom.js';
import { HoldButton } from './hold_button.js';

const clock = ([seconds]) => new Date(seconds * 1000).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });

/** In one sentence. */
export function controlInWords({ lease, mine }) {
  if (!lease) return 'Nobody holds control: everybody who has the token may steer.';
  if (mine) return `You hold control, as ${lease.name}, since ${clock(lease.since)}. The others may watch.`;
  return `${lease.name} has held control since ${clock(lease.since)}${lease.local ? '' : ', from another computer'}. You may watch.`;
}

/** The name by which the others know this viewer, kept in this browser. */
export function nameField(settings) {
  return field('Your name', { type: 'text', value: settings.get('name', ''), maxlength: 40, placeholder: 'for the others to see', autocomplete: 'name', onchange: (event) => settings.set('name', event.target.value.trim()) });
}

export function openControl({ store, control, settings, toasts }) {
  const told = element('p', { role: 'status' });
  const name = nameField(settings);
  const attempt = (work) => toasts.attempt(work);
  const said = () => name.input.value.trim() || 'an operator';
  const take = button('Take control', 'The others may only watch then', () => attempt(() => control.take(said())), { class: 'primary' });
  const giveBack = button('Give it back', 'Everybody who has the token may steer again', () => attempt(() => control.giveBack()), { class: 'primary' });
  const over = new HoldButton('Take over', 'Hold to take control from whoever has it', {
    held: () => attempt(() => control.take(said(), true)), tooShort: () => setText(told, 'Hold Take over down until it is full.'),
  });
  const page = dialog({ class: 'narrow', 'aria-label': 'Control' }, element('h2', {}, 'Who steers'), told, name,
    element('div', { class: 'buttons' }, take, giveBack, over.root, button('Close', 'Close', () => page.close())));

  const show = () => {
    const { lease, mine } = store.control;
    const can = store.connection.connected && Boolean(store.welcome?.may_control);
    setText(told, can || lease ? controlInWords(store.control) : store.control.reason);
    name.hidden = !can || mine;
    take.hidden = !can || Boolean(lease);
    giveBack.hidden = !mine;
    over.root.hidden = !can || !lease || mine;
  };
  const stop = store.on('control', show);
  page.addEventListener('close', stop);
  show();
  return page;
}
