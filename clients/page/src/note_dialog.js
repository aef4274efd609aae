// A note for the logbook: into the files of the runs that go on, or of the next one.

import { button, dialog, element } from './dom.js';
import { nameField } from './control_dialog.js';

const MOST_CHARACTERS = 500;

export function openNote({ store, connection, settings, toasts }) {
  const text = element('textarea', { 'aria-label': 'Note', rows: 4, maxlength: MOST_CHARACTERS, placeholder: 'What you see, what you changed' });
  const author = nameField(settings);
  const time = Date.now();
  const going = store.run?.file && store.run.state !== 'finished';

  // The note belongs to the moment when it was begun, not to the end of the typing.
  const save = () => toasts.attempt(async () => {
    const words = text.value.trim();
    if (!words) return text.focus();
    const name = author.input.value.trim();
    await connection.request('note', { text: words, ...(name ? { author: name } : {}), time: [Math.floor(time / 1000), (time % 1000) * 1000000] });
    page.close();
    toasts.say(going ? 'Noted in the file of this scan.' : 'Noted; it goes into the file of the next scan.');
  });
  const page = dialog({ class: 'narrow', 'aria-label': 'Note' }, element('h2', {}, 'Note'), text, author,
    element('div', { class: 'buttons' }, button('Save note', 'Enter; a new line: ⇧ Enter', save, { class: 'primary' }), button('Cancel', 'Esc', () => page.close())));
  text.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey) return;
    event.preventDefault();
    save();
  });
  text.focus();
  return page;
}
