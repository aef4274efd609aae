// One map: which product, the image, what is under the cursor.

import { CLASSES } from './colours.js';
import { savers } from './figure.js';
import { Display } from './display.js';
import { displayOnly } from './display_only.js';
import { derivedImage, hasSpectrum, isSpectrum, offered, sourcesOf, turned } from './derived_maps.js';
import { DirectionWheel } from './direction_wheel.js';
import { button, choice, element, setOptions, setText, unhurried } from './dom.js';
import { icon } from './icons.js';
import { Legend } from './legend.js';
import { rowsInPass } from './map_data.js';
import { mapDefaults, positionOf, title } from './products.js';
import { ScaleBar } from './scale_bar.js';
import { shortUnits, value } from './words.js';

// What is made of whole maps is made again a few times a second at most.
const DERIVED_EVERY_MS = 300;

/** Events: `product` (chosen by the viewer), `chosen` (this panel), `cursor`, `pick` (detail {y, x}), `snapshot`, `figure`. */
export class MapPanel extends EventTarget {
  constructor(index, { store, settings, marks }) {
    super();
    Object.assign(this, { store, index });
    this.display = new Display(`Map ${index + 1}`, settings, 'map');
    this.legend = new Legend();
    this.select = choice(`Map ${index + 1}: product`, [], '', (name) => this.choose(isSpectrum(this.product) && hasSpectrum(name) ? turned(name) : name));
    this.spectrum = button(icon('wave'), 'Power spectrum (FFT) of this map, and back: periods and directions in it', () => this.choose(turned(this.product)), { class: 'icon', 'aria-label': `FFT of map ${index + 1}: power spectrum` });
    this.where = element('span', { class: 'where' });
    this.value = element('span', { class: 'value' });
    this.units = element('span', { class: 'units' });
    this.readout = element('output', { class: 'readout', 'aria-live': 'off' }, this.where, this.value, this.units);
    this.empty = element('p', { class: 'empty' });
    this.root = element('section', { class: 'panel map-panel', 'aria-label': `Map ${index + 1}` },
      element('header', {}, this.select, this.readout, this.spectrum,
        ...savers(`map ${index + 1}`, this)),
      element('div', { class: 'stage' }, this.display.view.root, displayOnly(this.display), this.legend.root, this.empty));
    this.display.view.layers.push(new ScaleBar(() => this.step()), new DirectionWheel(this.display), new OnScan(this, marks));
    this.derive = unhurried(() => this.#derive(), DERIVED_EVERY_MS);
    this.#listen();
    this.update();
  }

  get product() {
    return this.display.product;
  }

  turnTo(name) {
    this.cursor = null;
    this.display.turnTo(name, mapDefaults(name));
    this.display.view.over.setAttribute('aria-label', `Map ${this.index + 1}: ${title(name)}`);
    this.root.classList.toggle('with-legend', this.display.kind === 'classes');
    this.spectrum.hidden = !hasSpectrum(name);
    this.spectrum.setAttribute('aria-pressed', String(isSpectrum(name)));
    this.update();
  }

  choose(name) {
    this.turnTo(name);
    this.dispatchEvent(new CustomEvent('product'));
  }

  names(names) {
    setOptions(this.select, offered(names).map((name) => [name, title(name)]), isSpectrum(this.product) ? turned(this.product) : this.product);
  }

  /** Shows the newest data of its product, unless what is shown is to stay; `rows`: [first, count] of all passes that have come, null: all. */
  update(rows = null) {
    if (this.store.paused && this.display.image) return;
    const map = this.map;
    this.root.classList.toggle('no-data', !map);
    setText(this.empty, this.store.run ? 'no data yet' : this.index === 0 ? 'Start a scan: its maps grow here.' : '');
    if (!map) return;
    const { data, measured, first } = map.pass(this.store.passOf(map));
    this.pass = { data, measured, first };
    this.time = map.time;
    if (this.product !== this.source) return this.derive();
    this.display.show({ data, measured, shape: [map.ny, map.nx], units: map.units }, rows && rowsInPass(rows, first, map.ny));
    if (this.display.kind === 'classes') this.legend.show(data, measured);
    this.#showReadout();
  }

  #derive() {
    const sources = this.#sources();
    if (!sources || this.product === this.source) return;
    const number = this.store.passOf(sources[0]);
    if (sources.some((map) => map.passes <= number)) return;
    this.display.show(derivedImage(this.product, sources.map((map) => map.pass(number)), [sources[0].ny, sources[0].nx], sources[0].units));
    this.#showReadout();
  }

  /** merlind's map that is shown, or the first of those that it is made of. */
  get source() {
    return sourcesOf(this.product)[0];
  }

  get map() {
    return this.#sources()?.[0] ?? null;
  }

  // All of the newest run and of one shape, or null.
  #sources() {
    const { maps, run } = this.store;
    const found = sourcesOf(this.product).map((name) => maps.get(name));
    const fit = found.length > 0 && run && found.every((map) => map && map.run === run.id && String(map.shape) === String(found[0].shape));
    return fit ? found : null;
  }

  /** How long a position is, and in what; of a spectrum, how far apart its frequencies are. */
  step() {
    const step = positionOf(this.store.calibration);
    if (!isSpectrum(this.product)) return step;
    const side = this.display.image?.shape[0] ?? 1;
    return { size: 1 / (side * step.size), name: step.name === 'nm' ? 'nm⁻¹' : 'per position' };
  }

  /** Whether its pixels are positions of the scan. */
  get showsScan() {
    return !isSpectrum(this.product);
  }

  #listen() {
    const { view } = this.display;
    view.addEventListener('cursor', ({ detail }) => {
      this.cursor = detail;
      if (detail && this.map && this.showsScan) this.dispatchEvent(new CustomEvent('cursor', { detail }));
      this.#showReadout();
    });
    view.addEventListener('pick', ({ detail }) => this.showsScan && this.dispatchEvent(new CustomEvent('pick', { detail })));
    this.root.addEventListener('pointerdown', () => this.dispatchEvent(new CustomEvent('chosen')));
    this.root.addEventListener('focusin', () => this.dispatchEvent(new CustomEvent('chosen')));
  }

  #showReadout() {
    const { image } = this.display;
    if (!image || !this.map) return this.#tell({});
    const units = shortUnits(image.units);
    if (!this.cursor) return this.#tell({ units });
    const { y, x } = this.cursor;
    if (!this.showsScan) return this.#tell({ value: this.#frequencyAt(y, x) });
    this.#tell({ where: `y ${y} x ${x}  `, value: this.#valueAt(y * image.shape[1] + x), units: units && this.display.kind === 'values' ? ` ${units}` : '' });
  }

  // Where there is no room for all, a whole part is left out, never half of one: units beside a value first, then where it is.
  #tell({ where = '', value: told = '', units = '' }) {
    setText(this.where, where);
    setText(this.value, told);
    setText(this.units, units);
  }

  #frequencyAt(y, x) {
    const middle = this.display.image.shape[0] / 2;
    const away = Math.hypot(y - middle, x - middle);
    const { size, name } = this.step();
    const period = name === 'per position' ? `${value(1 / (away * size))} positions` : `${value(1 / (away * size))} nm`;
    return away > 0 ? `${value(away * size)} ${name}  period ${period}` : 'mean of the map';
  }

  #valueAt(i) {
    const { data, angle, measured } = this.display.image;
    if (!measured[i]) return 'not measured';
    const v = data[i];
    if (this.display.kind === 'classes') return CLASSES.find((one) => one.value === v)?.name ?? 'not analysed';
    return angle ? `${value(v)} towards ${Math.round(360 * angle[i])}°` : value(v);
  }
}

/** A layer that is drawn, and taken by the mouse, only where pixels are positions of the scan. */
class OnScan {
  constructor(panel, layer) {
    Object.assign(this, { panel, layer });
  }

  draw(context, view) {
    if (this.panel.showsScan) this.layer.draw(context, view);
  }

  grab(point, view, event) {
    return this.panel.showsScan && this.layer.grab(point, view, event);
  }

  drag(place, event) {
    this.layer.drag(place, event);
  }

  drop() {
    this.layer.drop();
  }

  cursorAt(point, view) {
    return this.panel.showsScan ? this.layer.cursorAt(point, view) : null;
  }
}
