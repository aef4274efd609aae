// Start a scan, align, record a pass, and move a scan whose beginning was thought elsewhere.

import { allow } from './control.js';
import { button, choice, element, field, setText } from './dom.js';
import { parseLabels } from './scan_labels.js';
import { inOperatorsWords } from './wording.js';
import { duration, isUnrecorded, partOnDisk } from './words.js';

const PRESETS = [
  ['internal', 'internal clock'], ['line-trigger', 'one trigger per line'], ['pixel-trigger', 'one trigger per position'],
  ['single-start', 'one trigger per scan'], ['soft', 'started by software'],
];
const RECORDING = [['keep', 'record and keep'], ['ask', 'record, keep only if told'], ['off', 'do not record']];
const FATES = { ask: ', kept only if told', discard: ', discarded' };
const RUNNING = ['arming', 'armed', 'acquiring', 'finishing'];

export class ScanForm {
  constructor({ store, settings, connection, toasts }) {
    Object.assign(this, { store, settings, connection, toasts });
    const kept = settings.get('scan', {});
    const number = (label, name, value, more = {}) => field(label, { type: 'number', name, value: kept[name] ?? value, min: 1, max: 65536, required: true, ...more });
    this.ny = number('Lines', 'ny', 64);
    this.nx = number('Positions', 'nx', 64);
    this.repeats = number('Repeats', 'repeats', 1, { max: 1000000 });
    this.exposure = field('Exposure', { type: 'number', name: 'exposure', value: kept.exposure ?? '', min: 0, step: 'any', placeholder: 'as it is' }, 'ms');
    this.labels = field('Labels', { type: 'text', name: 'labels', value: kept.labels ?? '', placeholder: 'strain = 8, region = left' });
    this.preset = choice('Trigger', PRESETS, kept.preset ?? 'internal', () => this.#keep());
    this.order = choice('Order', [['raster', 'line by line'], ['serpentine', 'serpentine']], kept.order ?? 'raster', () => this.#keep());
    this.record = choice('Recording', RECORDING, kept.record ?? 'keep', () => this.#keep());
    this.keep = button('Keep', 'Keep the recording of this scan', () => this.#decide('recording_keep'));
    this.discard = button('Discard', 'Move the recording to the trash; Keep takes it back until that is emptied', () => this.#decide('recording_discard'));
    this.start = button('Start scan', 'Set the detector up and start', () => this.#start('active'), { class: 'primary' });
    this.view = button('Align', 'Scan over and over without recording', () => this.#start('view'));
    this.recordPass = button('Record next pass', 'Record the next pass of the scan while aligning', () => this.#recordPass(), { class: 'primary' });
    this.facts = element('dl', { class: 'facts' });
    this.shift = element('output', { class: 'readout' }, '0');
    this.root = this.#layout();
    this.root.addEventListener('change', () => this.#keep());
    store.on('status run control', () => this.#show());
    this.#show();
  }

  #layout() {
    const labelled = (text, control) => element('label', { class: 'field' }, element('span', {}, text), control);
    this.nudges = [-10, -1, 1, 10].map((n) => button(n > 0 ? `+${n}` : `−${-n}`, `The scan began ${Math.abs(n)} patterns ${n > 0 ? 'later' : 'earlier'} than it is seen`, () => this.#shift({ nudge: n })));
    this.nudges.push(button('Reset', 'As the scan was seen before it was shifted', () => this.#shift({ shift: 0 })));
    return element('div', {},
      element('div', { class: 'form' },
        element('div', { class: 'pair' }, this.ny, this.nx),
        labelled('Trigger', this.preset), labelled('Order', this.order),
        element('div', { class: 'pair' }, this.exposure, this.repeats), this.labels,
        labelled('Recording', this.record),
        element('div', { class: 'buttons' }, this.start, this.recordPass, this.view)),
      element('h3', {}, 'Shift of the scan'),
      element('div', { class: 'buttons nudges' }, ...this.nudges.slice(0, 2), this.shift, ...this.nudges.slice(2)),
      element('h3', {}, 'This scan'), this.facts, element('div', { class: 'buttons' }, this.keep, this.discard));
  }

  #keep() {
    this.settings.set('scan', {
      ny: this.ny.input.value, nx: this.nx.input.value, repeats: this.repeats.input.value, exposure: this.exposure.input.value,
      labels: this.labels.input.value, preset: this.preset.value, order: this.order.value, record: this.record.value,
    });
  }

  #arguments(mode) {
    const args = { mode, scan: [Number(this.ny.input.value), Number(this.nx.input.value)], preset: this.preset.value, order: this.order.value };
    if (this.exposure.input.value) args.parameters = { ACQUISITIONTIME: Number(this.exposure.input.value) };
    if (mode === 'view') return args;
    const labels = parseLabels(this.labels.input.value);
    if (Object.keys(labels).length) args.labels = labels;
    const repeats = Number(this.repeats.input.value);
    return { ...args, recording: { keep: true, ask: 'ask', off: false }[this.record.value], ...(repeats > 1 ? { repeats } : {}) };
  }

  async #start(mode) {
    this.starting = true;
    this.#show();
    await this.toasts.attempt(async () => {
      const { result } = await this.connection.request('start', this.#arguments(mode));
      (result.warnings ?? []).forEach((warning) => this.toasts.say(inOperatorsWords(warning), 'warn'));
    });
    this.starting = false;
    this.#show();
  }

  #recordPass() {
    return this.toasts.attempt(async () => {
      await this.connection.request('record');
      this.toasts.say('The next pass of the scan will be recorded.');
    });
  }

  #decide(cmd) {
    return this.toasts.attempt(async () => {
      const { result } = await this.connection.request(cmd, { run: this.store.run.id });
      this.toasts.say(result.fate === 'discard' ? `Discarded; it lies in the trash for some time: ${result.file}` : `Kept: ${result.file}`);
    });
  }

  #shift(args) {
    return this.toasts.attempt(() => this.connection.request('geometry', args));
  }

  #show() {
    const { status, run, control: { may, reason } } = this.store;
    const running = RUNNING.includes(status?.state);
    const viewing = running && run?.mode === 'view';
    const away = status?.state === 'disconnected';
    const hindrance = !may ? reason : running ? 'A scan is going on' : away ? 'The detector is not connected' : '';
    for (const one of [this.start, this.view]) allow(one, !hindrance && !this.starting, hindrance);
    const fate = run?.recording?.fate;
    this.keep.hidden = !run?.file || fate === 'keep' || fate === undefined;
    this.discard.hidden = !run?.file || fate === 'discard' || fate === undefined;
    for (const one of [this.keep, this.discard, this.recordPass]) allow(one, may, reason);
    // The one in the place of the other: no button comes under a hand that rests on a third.
    this.start.hidden = viewing;
    this.recordPass.hidden = !viewing;
    this.nudges.forEach((one) => allow(one, may && Boolean(run), may ? 'There is no scan yet' : reason));
    setText(this.shift, String(run?.geometry?.shift ?? 0));
    this.#showFacts(run);
  }

  #showFacts(run) {
    const facts = run ? runFacts(run) : [['None yet', '']];
    const text = JSON.stringify(facts);
    if (text === this.factsShown) return;
    this.factsShown = text;
    this.facts.replaceChildren(...facts.flatMap(([name, value]) => [element('dt', {}, name), element('dd', { title: value }, value)]));
  }
}

/** What is to be told of a run, as [name, text]. */
export function runFacts(run) {
  const scan = run.geometry?.scan ?? run.scan;
  const facts = [
    ['Scan', scan ? `${scan[0]} × ${scan[1]}${run.geometry?.repeats > 1 ? ` × ${run.geometry.repeats}` : ''}` : 'shape not known'],
    ['Image', run.image ? `${run.image[0]} × ${run.image[1]}, ${8 * Number(run.dtype.slice(2))} bit` : '–'],
    ['Time', duration(run.elapsed_s)],
    ['File', run.file ? `${run.file.split('/').at(-1)}${FATES[run.recording?.fate] ?? ''}` : 'not recorded'],
  ];
  if (isUnrecorded(run)) facts.push(['Recorded', `${partOnDisk(run)}: ${inOperatorsWords(run.recording.error)}`]);
  for (const [name, value] of Object.entries(run.labels ?? {})) facts.push([name, String(value)]);
  if (run.detail) facts.push(['Note', inOperatorsWords(run.detail)]);
  run.warnings?.forEach((warning) => facts.push(['Warning', inOperatorsWords(warning)]));
  return facts;
}
