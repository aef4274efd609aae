// The diffraction pattern: newest, summed, of a position or of an area, with apertures and Bragg reflections on it.

import { ApertureLayer } from './aperture_layer.js';
import { grown, moved } from './apertures.js';
import { Display } from './display.js';
import { displayOnly } from './display_only.js';
import { DisplayControls } from './display_controls.js';
import { button, choice, element, setOptions, setText } from './dom.js';
import { savers } from './figure.js';
import { patternDefaults, title } from './products.js';
import { ReflectionLayer } from './reflection_layer.js';
import { SaturationLayer } from './saturation_layer.js';
import { ScaleBar } from './scale_bar.js';
import { count, value } from './words.js';

/** `position` and `area` are not streamed but asked for. */
const ASKED = { position: 'at a position', area: 'mean of an area' };

/** Events: `watch` (another pattern is shown), `turned` (by the viewer), `picked` (a click, detail {y, x} exact), `snapshot`, `figure`. */
export class PatternPanel extends EventTarget {
  constructor({ store, settings, apertures, mayControl }) {
    super();
    Object.assign(this, { store, settings, apertures });
    this.display = new Display('Diffraction pattern', settings, 'pattern');
    this.controls = new DisplayControls('Pattern');
    this.controls.attach(this.display);
    this.source = 'latest';
    this.asked = null;
    this.select = choice('Pattern', [], '', (name) => this.choose(name));
    this.readout = element('output', { class: 'readout', 'aria-live': 'off' });
    this.note = element('p', { class: 'note' });
    this.empty = element('p', { class: 'empty' }, 'no pattern yet');
    this.layer = new ApertureLayer(apertures, { pixelSizeK: () => this.pixelSizeK, mayDrag: mayControl });
    this.reflections = new ReflectionLayer(store);
    this.saturation = new SaturationLayer();
    this.display.view.layers.push(new ScaleBar(() => this.step()), this.saturation, this.reflections, this.layer);
    this.root = element('div', { class: 'column pattern-column' },
      element('section', { class: 'panel', 'aria-label': 'Pattern' },
        element('header', {}, this.select, this.readout,
          button('◎', 'Show or hide apertures (O)', () => this.toggleApertures(), { class: 'icon', 'aria-label': 'Show apertures', 'aria-pressed': 'true' }),
          ...savers('pattern', this)),
        element('div', { class: 'stage' }, this.display.view.root, displayOnly(this.display), this.note, this.empty)),
      this.controls.root);
    this.#listen();
    this.turnTo(settings.get('pattern', 'latest'));
  }

  get pixelSizeK() {
    return this.store.calibration?.pixel_size_k?.value ?? null;
  }

  /** What is shown, in words. */
  get caption() {
    return ASKED[this.source] ? this.asked?.where ?? '' : title(this.source);
  }

  get watched() {
    return ASKED[this.source] ? [] : [this.source];
  }

  /** `remembered`: whether it is shown next time too, as what the viewer turns to is. */
  turnTo(source, { remembered = true } = {}) {
    this.source = source;
    if (remembered && !ASKED[source]) this.settings.set('pattern', source);
    this.display.turnTo(source, patternDefaults(source));
    this.reflections.at = null;
    this.select.value = source;
    this.dispatchEvent(new CustomEvent('watch'));
    this.update();
  }

  /** By the viewer, who does not wait any more for a pattern that was asked for. */
  choose(source) {
    this.dispatchEvent(new CustomEvent('turned'));
    this.say('');
    this.turnTo(source);
  }

  /** A pattern that was asked for of this run; `where`: in words; `position`: {row, index} for its reflections, or null. */
  showAsked(source, { data, shape, frames }, { run, where, position }) {
    this.asked = { data, shape, frames, run, where, position };
    if (this.source !== source) this.turnTo(source);
    this.update();
  }

  /** Says that a pattern is being fetched, or why it cannot be. */
  say(text) {
    setText(this.note, text);
  }

  update() {
    if (this.store.paused && this.display.image && !ASKED[this.source]) return;
    const pattern = this.#pattern();
    this.root.classList.toggle('no-data', !pattern);
    if (!pattern) return;
    this.saturation.look(pattern, this.#fullScaleOf(pattern));
    this.display.show({ data: pattern.data, measured: null, shape: pattern.shape, units: pattern.units ?? 'counts' });
    if (ASKED[this.source]) this.#sayAsked(pattern);
    else this.#sayNewest(pattern);
    this.#showReadout();
  }

  // It stays when another scan begins, whose reflections are not its own.
  #sayAsked({ run, where, frames, position }) {
    const old = run !== this.store.run?.id;
    this.reflections.at = old ? null : position;
    this.say(`${old ? 'of another scan:\n' : ''}${where}, ${count(frames)} ${frames === 1 ? 'pattern' : 'patterns'}${this.#saturatedWords()}`);
    if (old) this.note.classList.add('warn');
  }

  #sayNewest(pattern) {
    this.reflections.at = this.#placeOf(pattern);
    this.#sayWhich();
  }

  // Where the newest pattern is in the scan. While the beam goes round and round its reflections may be of the pass before.
  #placeOf({ position, geometry }) {
    const { run } = this.store;
    return run?.mode === 'view' || geometry !== run?.geometry?.version ? null : this.store.placeOf(position);
  }

  #sayWhich() {
    const { number } = this.#pattern() ?? {};
    const { at } = this.reflections;
    const where = at ? `, y ${at.y}  x ${at.x}` : '';
    const name = at && this.store.classAt(at.index);
    this.say(number ? `pattern ${count(number)}${where}${name ? `, ${name}` : ''}${this.#saturatedWords()}` : '');
  }

  // Of one pattern alone: sums and means go beyond it, or hide it.
  #fullScaleOf(pattern) {
    const newest = this.store.patterns.get('latest');
    if (this.source === 'latest') return pattern.fullScale;
    return this.source === 'position' && pattern.frames === 1 && newest?.run === this.store.run?.id ? newest.fullScale : null;
  }

  #saturatedWords() {
    const { n } = this.saturation;
    this.note.classList.toggle('warn', n > 0);
    return n > 0 ? `\n${count(n)} ${n === 1 ? 'pixel' : 'pixels'} saturated` : '';
  }

  toggleApertures() {
    this.layer.visible = !this.layer.visible;
    this.root.querySelector('[aria-label="Show apertures"]').setAttribute('aria-pressed', String(this.layer.visible));
    this.display.view.redraw();
  }

  /** Moves the chosen aperture by pixels, or grows it. */
  nudge(dy, dx) {
    const { chosen } = this.apertures;
    if (chosen?.wanted.centre) this.apertures.ask(moved(chosen.wanted, dy, dx));
  }

  grow(step) {
    const { chosen } = this.apertures;
    if (chosen?.wanted.centre) this.apertures.ask(grown(chosen.wanted, step, this.pixelSizeK));
  }

  #pattern() {
    if (ASKED[this.source]) return this.asked;
    const pattern = this.store.patterns.get(this.source);
    return pattern && pattern.run === this.store.run?.id ? pattern : null;
  }

  /** How long a pixel is, and in what. */
  step() {
    const k = this.pixelSizeK;
    return k ? { size: k, name: 'nm⁻¹' } : { size: 1, name: 'px' };
  }

  #listen() {
    const { view } = this.display;
    view.addEventListener('cursor', ({ detail }) => {
      this.cursor = detail;
      this.#showReadout();
    });
    view.addEventListener('pick', ({ detail }) => this.dispatchEvent(new CustomEvent('picked', { detail: detail.exact })));
    this.apertures.addEventListener('change', () => view.redraw());
    this.store.on('pattern', (name) => name === this.source && this.update());
    this.store.on('rows calibration', () => view.redrawOnBeat());
    this.store.on('rows', () => !ASKED[this.source] && !this.store.paused && this.#sayWhich());
    this.store.on('pause', () => this.update());
    this.store.on('run', () => {
      this.#names();
      if (this.store.run?.id !== this.run) this.update();
      this.run = this.store.run?.id;
    });
    this.#names();
  }

  #names() {
    const streamed = this.store.run?.patterns ?? ['latest', 'sum'];
    const ordered = ['latest', ...streamed.filter((name) => name !== 'latest')];
    setOptions(this.select, [...ordered.map((name) => [name, title(name)]), ...Object.entries(ASKED)], this.source);
  }

  #showReadout() {
    const { image } = this.display;
    if (!image) return setText(this.readout, '');
    if (!this.cursor) return setText(this.readout, image.units);
    const { y, x } = this.cursor;
    setText(this.readout, `y ${y}  x ${x}   ${value(image.data[y * image.shape[1] + x])}${this.#away(y, x)}`);
  }

  // How far from the centre, in nm^-1 and as a spacing.
  #away(y, x) {
    const centre = this.store.calibration?.centre?.value;
    const k = this.pixelSizeK;
    if (!k || !centre) return '';
    const length = Math.hypot(y - centre[0], x - centre[1]) * k;
    return length > 0 ? `   k ${length.toFixed(2)} nm⁻¹  d ${(1 / length).toFixed(3)} nm` : '';
  }
}
