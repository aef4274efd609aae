// What is known of the instrument: typed, measured, or clicked on the pattern.

import { circleThrough } from './circle.js';
import { allowAll } from './control.js';
import { button, element, field, setText } from './dom.js';
import { value } from './words.js';

const FIELDS = [
  ['kv', 'Voltage', 'kV'], ['camera_length_mm', 'Camera length', 'mm'], ['pixel_size_k', 'Pixel size', 'nm⁻¹'],
  ['scan_step_nm', 'Scan step', 'nm'], ['scan_rotation_deg', 'Scan rotation', '°'], ['disk_radius_px', 'Disk radius', 'px'],
  ['beam_current_pa', 'Beam current', 'pA'],
];
const NEEDED = { centre: 1, ring: 3 };

export class InstrumentForm {
  #clicking = null;
  #clicks = [];

  /** `toPattern()`: puts the keys onto the pattern. */
  constructor({ store, connection, toasts, toPattern }) {
    Object.assign(this, { store, connection, toasts, toPattern });
    this.fields = Object.fromEntries(FIELDS.map(([key, label, unit]) => [key,
      field(label, { type: 'number', step: 'any', class: 'steer', placeholder: 'not known', onchange: () => this.#set(key) }, unit)]));
    this.centre = element('output', { class: 'readout' });
    this.spacing = field('d of the ring', { type: 'number', step: 'any', min: 0, class: 'steer', placeholder: '0.2338' }, 'nm');
    this.hint = element('p', { class: 'hint', role: 'status' });
    const steer = (text, title, pressed) => button(text, title, pressed, { class: 'steer' });
    this.root = element('div', {},
      element('div', { class: 'form' }, ...Object.values(this.fields)),
      element('h3', {}, 'Centre of the pattern'), this.centre,
      element('div', { class: 'buttons' },
        steer('Click centre', 'Click the centre on the pattern', () => this.#click('centre')),
        steer('Fit halo', 'Measure centre and ellipse of the first halo, and use them', () => this.#measureHalo())),
      element('h3', {}, 'Pixel size from a ring'), this.spacing,
      element('div', { class: 'buttons' }, steer('Click ring', 'Click three places on the ring', () => this.#click('ring'))),
      this.hint);
    store.on('calibration', () => this.#show());
    store.on('control', () => this.#enable());
    this.#enable();
  }

  shown() {
    this.#show();
  }

  /** A click on the pattern, {y, x}. Returns whether it was meant for this form. */
  clicked(place) {
    if (!this.#clicking) return false;
    this.#clicks.push(place);
    const left = NEEDED[this.#clicking] - this.#clicks.length;
    if (left > 0) setText(this.hint, `${left} more ${left === 1 ? 'place' : 'places'} on the ring`);
    else this.#finish();
    return true;
  }

  /** Forgets a click that was begun. */
  cancel() {
    this.#clicking = null;
    setText(this.hint, '');
  }

  #click(what) {
    this.#clicking = what;
    this.#clicks = [];
    this.toPattern();
    setText(this.hint, what === 'centre' ? 'Click the centre on the pattern, or arrow keys and Enter there (Esc: leave it)' : 'Click three places on the ring, or arrow keys and Enter there (Esc: leave it)');
  }

  #finish() {
    const what = this.#clicking;
    this.cancel();
    if (what === 'centre') return this.#send({ centre: [this.#clicks[0].y, this.#clicks[0].x].map((v) => Number(v.toFixed(2))) });
    const circle = circleThrough(this.#clicks);
    const d = Number(this.spacing.input.value);
    if (!circle) return setText(this.hint, 'These three places lie on a line: click anew.');
    const args = { centre: circle.centre.map((v) => Number(v.toFixed(2))) };
    if (d > 0) args.pixel_size_k = Number((1 / d / circle.radius).toPrecision(6));
    else setText(this.hint, `Radius ${circle.radius.toFixed(1)} px. With its d the pixel size follows.`);
    return this.#send(args);
  }

  #set(key) {
    const { value: text } = this.fields[key].input;
    return this.#send({ [key]: text === '' ? null : Number(text) });
  }

  #send(args) {
    return this.toasts.attempt(async () => {
      const { result } = await this.connection.request('calibration', args);
      this.#take(result.calibration);
    });
  }

  #measureHalo() {
    return this.toasts.attempt(async () => {
      const { result } = await this.connection.request('calibration_measure', { what: 'halo', apply: true });
      this.#take(result.calibration);
      this.toasts.say('Centre and ellipse are those of the halo.');
    });
  }

  #take(calibration) {
    this.store.calibration = calibration;
    this.store.changed('calibration');
  }

  #show() {
    const { calibration } = this.store;
    if (!calibration) return;
    for (const [key, { input }] of Object.entries(this.fields)) {
      const known = calibration[key];
      input.dataset.tip = known ? `from: ${known.source}` : 'not known';
      if (document.activeElement !== input) input.value = known ? Number(known.value.toPrecision(6)) : '';
    }
    const { centre } = calibration;
    this.#enable();
    setText(this.centre, centre ? `y ${value(centre.value[0])}  x ${value(centre.value[1])}  px (${centre.source.replace(/ of run \S+$/, '')})` : 'not known: the middle of the frame');
    this.centre.title = centre ? `from: ${centre.source}` : '';
  }

  #enable() {
    allowAll(this.root, this.store.control);
  }
}
