// The list of finished recordings, by pages, the newest first.

import { button, element, setText } from './dom.js';
import { runCard } from './run_card.js';
import { count } from './words.js';

const PAGE = 12;

/** Moves the focus among the cards, which stand in rows. */
function move(list, event) {
  const cards = [...list.querySelectorAll('.run-card:not(:disabled)')];
  const at = cards.indexOf(document.activeElement);
  const columns = getComputedStyle(list).gridTemplateColumns.split(' ').length;
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -at, End: cards.length - 1 - at }[event.key];
  if (step === undefined || at < 0) return;
  event.preventDefault();
  cards[Math.min(cards.length - 1, Math.max(0, at + step))].focus();
}

/** `open(file)` is called with the recording that was chosen. */
export function openRunsDialog({ store, connection, toasts, open }) {
  const list = element('ul', { class: 'runs', onkeydown: (event) => move(list, event) });
  const note = element('p', { class: 'muted', role: 'status' }, 'reading …');
  const newer = button('Newer', 'Newer recordings', () => load(offset - PAGE));
  const older = button('Older', 'Older recordings', () => load(offset + PAGE));
  let offset = 0;
  const page = element('dialog', { class: 'runs-dialog', 'aria-label': 'Recordings' },
    element('h2', {}, 'Recordings'), list,
    element('div', { class: 'buttons' }, note, newer, older, button('Close', 'Close (Esc)', () => page.close(), { class: 'primary' })));

  async function load(from) {
    const { result, arrays } = await connection.request('runs', { offset: Math.max(0, from), limit: PAGE });
    offset = result.offset;
    const { data, shape: [, side] } = arrays.thumbnails;
    const opened = new Set((store.status?.opened ?? []).map(({ file }) => file));
    const may = Boolean(store.welcome?.may_control);
    list.replaceChildren(...result.runs.map((run, i) => element('li', {}, runCard(run, data.subarray(i * side * side, (i + 1) * side * side), side, {
      isOpen: opened.has(run.file), mayOpen: may || opened.has(run.file), pressed: () => choose(run.file),
    }))));
    setText(note, result.total === 0 ? 'There is no recording yet.' : `${count(offset + 1)}–${count(offset + result.runs.length)} of ${count(result.total)}`);
    newer.disabled = offset === 0;
    older.disabled = offset + result.runs.length >= result.total;
    list.querySelector('.run-card:not(:disabled)')?.focus();
  }

  async function choose(file) {
    setText(note, 'opening …');
    await toasts.attempt(() => open(file));
    setText(note, '');
  }

  page.addEventListener('close', () => page.remove());
  document.body.append(page);
  page.showModal();
  return toasts.attempt(() => load(0));
}
