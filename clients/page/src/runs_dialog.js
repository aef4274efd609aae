// The list of recordings, by pages, the newest first: before all the scan that is running, as it grows.

import { button, element, setText } from './dom.js';
import { isRunning, liveRun } from './live_card.js';
import { runCard } from './run_card.js';
import { count } from './words.js';

const PAGE = 12;
const LIVE_EVERY_MS = 500;

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
  const live = element('li');
  let offset = 0;
  let total = 0;
  let shown = 0;
  let side = 64;
  let loading = false;
  const page = element('dialog', { class: 'runs-dialog', 'aria-label': 'Recordings' },
    element('h2', {}, 'Recordings'), list,
    element('div', { class: 'buttons' }, note, newer, older, button('Close', 'Close (Esc)', () => page.close(), { class: 'primary' })));

  async function load(from) {
    loading = true;
    const { result, arrays } = await connection.request('runs', { offset: Math.max(0, from), limit: PAGE }).finally(() => { loading = false; });
    offset = result.offset;
    const { data, shape } = arrays.thumbnails;
    [, side] = shape;
    const opened = new Set((store.status?.opened ?? []).map(({ file }) => file));
    const may = Boolean(store.welcome?.may_control);
    const at = list.contains(document.activeElement) && document.activeElement.dataset.file;
    list.replaceChildren(...result.runs.map((run, i) => element('li', {}, runCard(run, data.subarray(i * side * side, (i + 1) * side * side), side, {
      mark: opened.has(run.file) && 'open', mayOpen: may || opened.has(run.file), pressed: () => choose(run.file),
    }))));
    showLive();
    total = result.total;
    shown = result.runs.length;
    sayWhich();
    newer.disabled = offset === 0;
    older.disabled = offset + result.runs.length >= result.total;
    (at && list.querySelector(`[data-file="${CSS.escape(at)}"]`) || list.querySelector('.run-card:not(:disabled)'))?.focus();
  }

  // The scan that is running is no recording yet.
  function sayWhich() {
    const some = total === 0 ? 'No recording yet' : `Recordings ${count(offset + 1)}–${count(offset + shown)} of ${count(total)}`;
    setText(note, live.isConnected ? `${some}; in front, the scan that is running` : some);
  }

  // It is drawn anew as a whole; who has the keyboard on it keeps it there.
  function showLive() {
    if (offset > 0 || !isRunning(store)) return live.remove();
    const { run, plane } = liveRun(store, side);
    const hasFocus = live.contains(document.activeElement);
    live.replaceChildren(runCard(run, plane, side, { mark: 'running', mayOpen: true, pressed: () => page.close() }));
    if (list.firstChild !== live) list.prepend(live);
    if (hasFocus) live.firstChild.focus();
  }

  // When a scan begins or is over, the list is another one.
  function follow() {
    if (loading) return;
    if (isRunning(store) === live.isConnected || offset > 0) showLive();
    else toasts.attempt(() => load(0));
  }

  async function choose(file) {
    setText(note, 'opening …');
    await toasts.attempt(() => open(file));
    sayWhich();
  }

  const timer = setInterval(follow, LIVE_EVERY_MS);
  page.addEventListener('close', () => {
    clearInterval(timer);
    page.remove();
  });
  document.body.append(page);
  page.showModal();
  return toasts.attempt(() => load(0));
}
