// A vacuum reference in a few clicks: the image of the aperture measured in a scan without a specimen, kept by name, and used.
// Which references are in use, and whether they still hold, is told below.

import { allow, allowAll } from './control.js';
import { button, choice, element, field, setOptions } from './dom.js';
import { inOperatorsWords } from './wording.js';
import { duration, signed, value } from './words.js';

const KIND = 'vacuum';
const NONE = '';

const within = (v, error, digits) => `${v.toFixed(digits)} ± ${error.toFixed(digits)}`;

/** How far the pattern wanders from the first to the last line, and from the first to the last position of a line. */
export function descanInWords(descan) {
  if (!descan) return 'not known: it takes a scan of some lines';
  const { shape: [ny, nx], y, x } = descan;
  const along = (i, n) => `y ${signed(y[i] * (n - 1))}  x ${signed(x[i] * (n - 1))} px`;
  return `${along(1, ny)} down the scan, ${along(2, nx)} across it`;
}

/** What was measured, as [name, text]. */
export function vacuumRows(vacuum) {
  const angle = vacuum.radius_mrad === null ? 'mrad not known: needs Voltage, Pixel size (Instrument)' : `${vacuum.radius_mrad.toFixed(2)} mrad`;
  const counts = vacuum.counts_per_electron === null ? 'type the beam current above' : within(vacuum.counts_per_electron, vacuum.counts_per_electron_error, 3);
  return [
    ['Radius', `${within(vacuum.radius_px, vacuum.radius_error_px, 2)} px, ${angle}`],
    ['Roundness', within(Math.min(vacuum.axis_ratio, 1 / vacuum.axis_ratio), vacuum.axis_ratio_error, 3)],
    ['Edge', `${within(vacuum.edge_width_px, vacuum.edge_width_error_px, 2)} px`],
    ['Centre', `y ${vacuum.centre[0].toFixed(2)}  x ${vacuum.centre[1].toFixed(2)} px`],
    ['Descan', descanInWords(vacuum.descan)],
    ['Counts per e⁻', counts],
  ];
}

export class VacuumForm {
  #measured = null;

  /** `exposureMs()`: of a pattern, or null. */
  constructor({ store, connection, toasts, exposureMs }) {
    Object.assign(this, { store, connection, toasts, exposureMs });
    this.name = field('Name', { type: 'text', class: 'steer', placeholder: this.#freeName(), maxlength: 47 });
    this.current = field('Beam current', { type: 'number', min: 0, step: 'any', class: 'steer', placeholder: 'not known' }, 'pA');
    this.measure = button('Measure', 'Measure the bright disk in the sum of all patterns of this scan; nothing is changed', () => this.#measure(false));
    this.keep = button('Keep and use', 'Take over centre and radius, keep the reference under this name, and give it to all scans that follow', () => this.#measure(true), { class: 'primary' });
    this.facts = element('dl', { class: 'facts' });
    this.used = choice('Vacuum reference in use', [[NONE, 'none']], NONE, (name) => this.#attach(name || null));
    this.used.classList.add('steer');
    this.references = element('ul', { class: 'references' });
    this.warnings = element('div', { class: 'warnings', role: 'status' });
    this.root = element('section', { class: 'form', 'aria-label': 'Vacuum reference' },
      element('h3', {}, 'Vacuum reference'),
      element('p', { class: 'muted' }, 'Take the specimen out of the beam and scan a few lines. Then measure, look, and keep.'),
      this.name, this.current, element('div', { class: 'buttons' }, this.measure, this.keep), this.facts,
      element('h3', {}, 'References in use'), element('label', { class: 'field' }, element('span', {}, 'Vacuum'), this.used), this.references, this.warnings);
    store.on('control run', () => this.#enable());
    store.on('run', () => store.run?.id !== this.#measured && this.facts.replaceChildren());
    this.#enable();
  }

  /** Asks which references are in use, and whether they still hold. */
  load() {
    return this.toasts.attempt(async () => {
      if (this.connection.connected) this.#tell((await this.connection.request('references')).result);
    });
  }

  #freeName() {
    const now = new Date();
    const two = (n) => String(n).padStart(2, '0');
    return `vacuum-${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}-${two(now.getHours())}${two(now.getMinutes())}`;
  }

  #arguments() {
    const current = Number(this.current.input.value) || this.store.calibration?.beam_current_pa?.value;
    const exposure = this.exposureMs();
    return { what: KIND, ...(current > 0 && exposure > 0 ? { current_pa: current, exposure_s: exposure / 1000 } : {}) };
  }

  #measure(keep) {
    return this.toasts.attempt(async () => {
      const name = this.name.input.value.trim() || this.#freeName();
      const { result } = await this.connection.request('calibration_measure', { ...this.#arguments(), ...(keep ? { apply: true, save_as: name } : {}) });
      this.#measured = result.run;
      this.facts.replaceChildren(...vacuumRows(result.vacuum).flatMap(([term, text]) => [element('dt', {}, term), element('dd', {}, text)]));
      if (!keep) return;
      this.store.calibration = result.calibration;
      this.store.changed('calibration');
      await this.#attach(name);
      this.toasts.say(`${name} is kept, and used by the scans that follow.`);
    });
  }

  #attach(name) {
    return this.toasts.attempt(async () => {
      await this.connection.request('reference_attach', { kind: KIND, name });
      this.#tell((await this.connection.request('references')).result);
    });
  }

  #tell({ references, warnings }) {
    const kept = references.filter(({ kind }) => kind === KIND);
    setOptions(this.used, [[NONE, 'none'], ...kept.map(({ name }) => [name, name])], kept.find(({ attached }) => attached)?.name ?? NONE);
    const attached = references.filter((reference) => reference.attached);
    this.references.replaceChildren(...attached.map(({ kind, name, time, radius_px: radius }) => element('li', {},
      `${kind === KIND ? '' : `${kind} `}${name}, ${duration(this.store.age(time))} old${radius ? `, radius ${value(radius)} px` : ''}`)));
    this.warnings.replaceChildren(...warnings.map((warning) => element('p', {}, inOperatorsWords(warning))));
  }

  #enable() {
    const { may, reason } = this.store.control;
    allowAll(this.root, this.store.control);
    for (const one of [this.measure, this.keep]) allow(one, may && Boolean(this.store.run?.frames?.analysed ?? this.store.run), may ? 'There is no scan yet: take one without a specimen' : reason);
  }
}
