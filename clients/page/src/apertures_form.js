// The list of virtual detectors and the numbers of the one that is chosen.

import { fresh, SHAPE_FIELDS, SHAPES } from './apertures.js';
import { allow, allowAll } from './control.js';
import { button, choice, element, field, setText } from './dom.js';
import { title } from './products.js';
import { count } from './words.js';

const SHAPE_NAMES = { k_band: 'k band' };
const STATES = { requested: 'requested', applied: 'applied', refused: 'refused' };

export class AperturesForm {
  /** `frame()`: {shape: [height, width], middle: [y, x], centre: [y, x]} of the patterns. */
  constructor({ store, connection, toasts, apertures, frame }) {
    Object.assign(this, { store, connection, toasts, apertures, frame });
    this.list = element('ul', { class: 'aperture-list' });
    this.numbers = element('div', { class: 'form' });
    this.shape = choice('Shape of a new aperture', SHAPES.map((shape) => [shape, SHAPE_NAMES[shape] ?? shape]), 'annulus', () => {});
    this.name = element('input', { type: 'text', 'aria-label': 'Name of a new aperture', placeholder: 'name', pattern: '[A-Za-z0-9_\\-]{1,47}', size: 10, class: 'steer' });
    this.shape.classList.add('steer');
    this.add = button('Add', 'Add an aperture of this shape', () => this.#add(), { class: 'steer' });
    this.recompute = button('Recompute scanned part', 'Compute moved and new apertures over the patterns taken before', () => this.#recompute());
    this.centre = button('To the centre', 'Move the chosen aperture to the centre of the pattern', () => this.#toCentre());
    this.recomputeBar = element('div', { class: 'bar' });
    this.recomputeText = element('span', { class: 'muted' });
    this.progress = element('div', { class: 'progress', role: 'progressbar', 'aria-label': 'Recomputation', 'aria-valuemin': '0', 'aria-valuemax': '100' }, this.recomputeBar);
    this.root = element('div', {},
      this.list, element('div', { class: 'add-row' }, this.shape, this.name, this.add), this.numbers,
      element('div', { class: 'buttons' }, this.centre, this.recompute), this.progress, this.recomputeText);
    apertures.addEventListener('change', () => this.#show());
    apertures.addEventListener('applied', () => this.#told());
    apertures.addEventListener('failed', ({ detail }) => toasts.say(`${title(detail.name)}: ${detail.error.message}`, 'bad'));
    store.on('control status run calibration', () => this.#enable());
    store.on('happening', (header) => header.event === 'recompute' && header.recompute.what !== 'bragg' && this.#showProgress(header.recompute));
    // The status forgets a recomputation that is over; what was told of it stays until the next scan.
    store.on('status', () => store.status.recompute?.finished === false && this.#showProgress(store.status.recompute));
    store.on('run', () => {
      if (store.run?.id !== this.run) this.#showProgress(null);
      this.run = store.run?.id;
    });
    this.#show();
    this.#showProgress(null);
  }

  #add() {
    const name = this.name.value.trim() || this.#freeName(this.shape.value);
    const { shape, centre } = this.frame();
    this.name.value = '';
    this.apertures.ask(fresh(this.shape.value, name, shape, centre));
    this.apertures.select(name);
  }

  #toCentre() {
    this.apertures.ask({ ...this.apertures.chosen.wanted, centre: this.frame().centre.map((v) => Number(v.toFixed(2))) });
  }

  #freeName(shape) {
    for (let i = 1; ; i++) if (!this.apertures.get(`${shape}_${i}`)) return `${shape}_${i}`;
  }

  // The part that was scanned before has the old aperture's values until it is computed again.
  #told() {
    if (!this.store.run?.file || this.store.status?.old_run) return;
    this.stale = true;
    this.recompute.classList.add('primary');
    setText(this.recomputeText, 'The part scanned before still shows the old aperture: recompute it.');
  }

  #recompute() {
    return this.toasts.attempt(async () => {
      const { result } = await this.connection.request('recompute');
      this.stale = false;
      this.#showProgress(result.recompute);
    });
  }

  #show() {
    const entries = [...this.apertures.entries.values()].filter((entry) => entry.wanted);
    this.#showList(entries);
    this.#showNumbers(this.apertures.chosen);
    this.#enable();
  }

  #showList(entries) {
    const key = JSON.stringify(entries.map(({ name, state }) => [name, state])) + this.apertures.selected;
    if (key === this.listShown) return;
    this.listShown = key;
    this.list.replaceChildren(...entries.map((entry) => {
      const chip = element('i', { class: 'chip', 'aria-hidden': 'true' });
      chip.style.background = entry.colour;
      const chosen = entry.name === this.apertures.selected;
      return element('li', { class: chosen ? 'chosen' : '' },
        element('button', { type: 'button', class: 'row', 'aria-pressed': String(chosen), onclick: () => this.apertures.select(chosen ? null : entry.name) },
          chip, element('span', {}, entry.name.replace(/_/g, ' ')), element('small', {}, entry.state === 'applied' ? SHAPE_NAMES[entry.wanted.shape] ?? entry.wanted.shape : STATES[entry.state])),
        button('×', `Remove ${entry.name}`, () => this.toasts.attempt(() => this.apertures.remove(entry.name)), { class: 'icon steer', 'aria-label': `Remove ${entry.name}` }));
    }));
  }

  #showNumbers(entry) {
    const key = entry ? `${entry.name} ${entry.wanted.shape}` : '';
    if (key !== this.numbersFor) {
      this.numbersFor = key;
      this.inputs = entry ? this.#fields(entry.wanted) : [];
      this.numbers.replaceChildren(...pairs(this.inputs.map(({ field: made }) => made)));
    }
    for (const { path, field: { input } } of this.inputs) {
      if (document.activeElement !== input) input.value = read(entry.wanted, path) ?? '';
    }
  }

  #fields({ shape }) {
    const wanted = shape === 'mask' ? [] : [['centre.0', 'Centre y', 'px'], ['centre.1', 'Centre x', 'px'], ...SHAPE_FIELDS[shape]];
    return wanted.map(([path, label, unit]) => {
      const made = field(label, { type: 'number', step: 'any', class: 'steer', onchange: () => this.#typed(path, made.input), onblur: () => this.#show() }, unit);
      return { path, field: made };
    });
  }

  #typed(path, input) {
    const number = Number(input.value);
    const { chosen } = this.apertures;
    if (chosen && input.value !== '' && Number.isFinite(number)) this.apertures.ask(written(chosen.wanted, path, number));
  }

  #enable() {
    const { may, reason } = this.store.control;
    allowAll(this.root, this.store.control);
    const missing = this.store.run ? 'This scan was not recorded: there are no patterns to compute again' : 'There is no scan yet';
    allow(this.recompute, may && Boolean(this.store.run?.file), may ? missing : reason);
    allow(this.centre, may && Boolean(this.apertures.chosen?.wanted.centre), may ? 'Choose an aperture first' : reason);
  }

  #showProgress(recompute) {
    if (recompute?.finished && this.stale) return;
    this.stale = false;
    this.recompute.classList.remove('primary');
    const going = Boolean(recompute) && !recompute.finished;
    this.progress.hidden = !going;
    const part = going && recompute.total > 0 ? recompute.done / recompute.total : 0;
    this.recomputeBar.style.width = `${100 * part}%`;
    this.progress.setAttribute('aria-valuenow', (100 * part).toFixed(0));
    const text = !recompute ? '' : recompute.error ? recompute.error : going ? `chunk ${count(recompute.done)} of ${count(recompute.total)}` : 'Recomputed: the maps are as if the apertures had always been there.';
    setText(this.recomputeText, text);
  }
}

// Two fields side by side.
function pairs(fields) {
  const rows = [];
  for (let i = 0; i < fields.length; i += 2) rows.push(element('div', { class: 'pair' }, ...fields.slice(i, i + 2)));
  return rows;
}

function read(detector, path) {
  const [key, index] = path.split('.');
  return index === undefined ? detector[key] : detector[key]?.[Number(index)];
}

function written(detector, path, value) {
  const [key, index] = path.split('.');
  if (index === undefined) return { ...detector, [key]: value };
  return { ...detector, [key]: detector[key].map((old, i) => (i === Number(index) ? value : old)) };
}
