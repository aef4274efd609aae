// What merlind is doing, in words and numbers, always in the same places.

import { button, element, setData, setText } from './dom.js';
import { HoldButton } from './hold_button.js';
import { Rates } from './rates.js';
import { bytes, count, duration, isUnrecorded, rate, stateInWords } from './words.js';

const RUNNING = ['arming', 'armed', 'acquiring', 'finishing'];

export class StateBar {
  #rates = new Rates();
  #received = -1;
  #receivedAt = 0;
  #written = new Rates();

  /** `actions`: {stop, tooShort, control, note, summary, help, theme, pause}. `shownTime()`: time [s, ns] of the data on the screen, or null. */
  constructor(store, actions, shownTime) {
    Object.assign(this, { store, shownTime });
    this.word = element('strong');
    this.text = element('span');
    this.state = element('div', { class: 'state', role: 'status' }, element('i', { class: 'lamp', 'aria-hidden': 'true' }), this.word, this.text);
    this.bar = element('div', { class: 'bar' });
    this.progress = element('div', { class: 'progress', role: 'progressbar', 'aria-label': 'Progress of the scan', 'aria-valuemin': '0', 'aria-valuemax': '100' }, this.bar);
    this.progressText = element('span', { class: 'progress-text' });
    this.progressRow = element('div', { class: 'progress-row' }, this.progress, this.progressText);
    this.stop = new HoldButton('Stop', 'Hold to stop the scan: what was taken is kept', { held: actions.stop, tooShort: actions.tooShort });
    this.held = button('Picture held', 'Let maps and pattern go on (Space)', actions.pause, { class: 'held', hidden: true });
    this.control = button('', 'Who holds control; take it, give it back (H)', actions.control, { class: 'control' });
    this.numbers = element('dl', { class: 'numbers' });
    this.cells = Object.fromEntries(CELLS.map(([key, label, tip]) => [key, this.#cell(label, tip)]));
    this.root = element('header', { class: 'state-bar' },
      element('h1', {}, 'merlind'),
      element('div', { class: 'state-row' }, this.state, this.progressRow, this.held, this.stop.root),
      this.numbers,
      element('div', { class: 'tools' },
        this.control,
        button('Note', 'A note for the logbook (N)', actions.note),
        button('Summary', 'One page about this scan, to print (Y)', actions.summary),
        button('◐', 'Light or dark (T)', actions.theme, { class: 'icon', 'aria-label': 'Light or dark' }),
        button('?', 'Keys (?)', actions.help, { class: 'icon', 'aria-label': 'Keys' })));
    store.on('status', () => this.#count());
    store.on('status run connection viewers control', () => this.show());
    store.on('pause', () => { this.held.hidden = !store.paused; });
    setInterval(() => this.show(), 250);
  }

  #cell(label, tip) {
    const value = element('dd');
    const root = element('div', { class: 'number', title: tip }, element('dt', {}, label), value);
    this.numbers.append(root);
    return { root, value };
  }

  #set(key, text, tone = '') {
    setText(this.cells[key].value, text);
    this.cells[key].root.dataset.tone = tone;
  }

  #count() {
    const { status } = this.store;
    const { received, analysed, recorded } = status.frames;
    const at = status.time[0] * 1000 + status.time[1] / 1e6;
    this.#rates.add(at, status.run?.id, { received, analysed, recorded });
    this.#written.add(at, status.run?.id, { bytes: status.recording.bytes_written });
    if (received !== this.#received) {
      this.#received = received;
      this.#receivedAt = Date.now();
    }
  }

  show() {
    const { connection, status } = this.store;
    if (!connection.connected) return this.#showLost(connection);
    if (!status) return this.#say('idle', 'connecting', '');
    const idle = (Date.now() - this.#receivedAt) / 1000;
    const { tone, word, text } = stateInWords(status, idle);
    this.#say(tone, word, text, status.why);
    setData(this.state, 'run', status.run?.id ?? ''); // whose words these are
    this.#showProgress(status);
    this.#showNumbers(status);
    this.stop.allow(this.store.control);
    this.stop.root.hidden = !RUNNING.includes(status.state);
  }

  #say(tone, word, text, why = '') {
    this.state.dataset.tone = tone;
    setText(this.word, word);
    setText(this.text, text);
    this.state.title = why;
  }

  #showLost({ retryAt }) {
    const wait = Math.max(0, (retryAt - Date.now()) / 1000);
    this.#say('bad', 'merlind cannot be reached', wait > 0.2 ? ` – trying again in ${wait.toFixed(0)} s; what you see is old` : ' – trying now');
    this.stop.allow(this.store.control);
    setText(this.control, controlledBy(this.store));
  }

  // Of an old run that is computed again: how far that is.
  #showRecompute({ done, total }) {
    const part = total > 0 ? `${Math.floor((100 * done) / total)}` : '0';
    this.progressRow.hidden = this.progress.hidden = false;
    this.bar.style.width = `${part}%`;
    this.progress.setAttribute('aria-valuenow', part);
    setText(this.progressText, `${part} % computed`);
  }

  #showProgress({ run, state, old_run: old, recompute }) {
    if (old && recompute && !recompute.finished) return this.#showRecompute(recompute);
    const { expected = 0, placed = 0, received = 0 } = run?.frames ?? {};
    const part = expected > 0 ? placed / expected : 0;
    const running = RUNNING.includes(state);
    this.progress.hidden = expected === 0 || !running;
    this.bar.style.width = `${100 * part}%`;
    this.progress.setAttribute('aria-valuenow', (100 * part).toFixed(0));
    // What is wrong needs the room, with its remedy.
    this.progressRow.hidden = ['disconnected', 'fault'].includes(state) || (!running && isUnrecorded(run));
    const left = state === 'acquiring' && expected > received && run?.rate > 0 ? `, ${duration((expected - received) / run.rate)} left` : '';
    if (!running) return setText(this.progressText, run?.file && run.recording?.fate !== 'discard' ? run.file.split('/').at(-1) : '');
    setText(this.progressText, expected > 0 ? `${count(placed)} of ${count(expected)}${left}` : `${count(received)} patterns`);
  }

  #showNumbers(status) {
    const { frames, ring, recording, run } = status;
    for (const name of ['received', 'analysed', 'recorded']) this.#set(name, `${rate(this.#rates.of(name))}/s`);
    this.#set('ring', `${Math.round(100 * ring.fill)} %`, ring.fill > 0.8 ? 'bad' : ring.fill > 0.5 ? 'warn' : '');
    const lost = run && run.state !== 'acquiring' ? frames.lost : 0;
    const growing = run?.state === 'acquiring' || run?.state === 'armed';
    this.#set('lost', growing ? '0' : count(lost), !growing && lost > 0 ? 'bad' : '');
    this.#set('deferred', count(frames.deferred), frames.deferred > 0 ? 'warn' : '');
    this.#set('saturated', count(frames.saturated), frames.saturated > 0 ? 'warn' : '');
    this.#set('packed', packing(recording));
    this.#set('disk', diskLeft(recording, this.#written.of('bytes')), diskTone(recording));
    const time = this.shownTime();
    this.#set('age', time ? duration(this.store.age(time)) : '–');
    this.#set('viewers', String(this.store.viewers || 1));
    setText(this.control, controlledBy(this.store));
  }
}

const CELLS = [
  ['received', 'Received', 'Patterns received per second'],
  ['analysed', 'Analysed', 'Patterns put into maps per second'],
  ['recorded', 'Recorded', 'Patterns written per second'],
  ['ring', 'Ring', 'How full the memory between detector and analysis is'],
  ['lost', 'Lost', 'Positions of the scan without a pattern'],
  ['deferred', 'Deferred', 'Patterns recorded whose analysis is to be made up for'],
  ['saturated', 'Saturated', 'Patterns with a pixel at full scale of its counter'],
  ['packed', 'Packed', 'How much smaller the patterns are on disk, and the codec in force'],
  ['disk', 'Disk left', 'Room for recordings, at the present rate'],
  ['age', 'Data age', 'How old the map is that is shown'],
  ['viewers', 'Viewers', 'How many pages are open'],
];

/** Who holds control, in two words. */
export function controlledBy({ control: { may, lease, mine } }) {
  if (lease) return mine ? 'You have control' : `${lease.name} has control`;
  return may ? 'You may steer' : 'Watching only';
}

/** "14.2 : 1 lz4", or – while nothing is written. */
export function packing({ compression }) {
  return compression?.ratio ? `${compression.ratio.toFixed(1)} : 1 ${compression.codec}` : '–';
}

const diskTone = ({ state, disk }) => (state === 'failed' ? 'bad' : disk?.suffices === false ? 'warn' : '');

/** Time at the present rate, or else room. */
export function diskLeft({ bytes_free: free, state }, perSecond) {
  if (state === 'failed') return 'failed';
  if (state === 'active' && perSecond > 0) return duration(free / perSecond);
  return bytes(free);
}
