// One map: which product, the image, what is under the cursor.

import { CLASSES } from './colours.js';
import { savers } from './figure.js';
import { Display } from './display.js';
import { button, choice, element, setOptions, setText } from './dom.js';
import { Legend } from './legend.js';
import { mapDefaults, title } from './products.js';
import { ScaleBar } from './scale_bar.js';
import { value } from './words.js';

/** Events: `product` (chosen by the viewer), `chosen` (this panel), `cursor`, `pick` (detail {y, x}), `snapshot`, `figure`. */
export class MapPanel extends EventTarget {
  constructor(index, { store, settings, marks }) {
    super();
    Object.assign(this, { store, index });
    this.display = new Display(`Map ${index + 1}`, settings, 'map');
    this.legend = new Legend();
    this.select = choice(`Map ${index + 1}: product`, [], '', (name) => this.choose(name));
    this.readout = element('output', { class: 'readout', 'aria-live': 'off' });
    this.empty = element('p', { class: 'empty' });
    this.root = element('section', { class: 'panel map-panel', 'aria-label': `Map ${index + 1}` },
      element('header', {}, this.select, this.readout,
        ...savers(`map ${index + 1}`, this)),
      element('div', { class: 'stage' }, this.display.view.root, this.legend.root, this.empty));
    this.display.view.layers.push(new ScaleBar(() => this.step()), marks);
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
    this.update();
  }

  choose(name) {
    this.turnTo(name);
    this.dispatchEvent(new CustomEvent('product'));
  }

  names(names) {
    setOptions(this.select, names.map((name) => [name, title(name)]), this.product);
  }

  /** Shows the newest data of its product, unless what is shown is to stay. */
  update() {
    if (this.store.paused && this.display.image) return;
    const map = this.map;
    this.root.classList.toggle('no-data', !map);
    setText(this.empty, this.store.run ? 'no data yet' : this.index === 0 ? 'Start a scan: its maps grow here.' : '');
    if (!map) return;
    const pass = map.pass(this.store.passOf(map));
    this.pass = pass;
    this.time = map.time;
    this.display.show({ data: pass.data, measured: pass.measured, shape: [map.ny, map.nx], units: map.units });
    if (this.display.kind === 'classes') this.legend.show(pass.data, pass.measured);
    this.#showReadout();
  }

  get map() {
    const map = this.store.maps.get(this.product);
    return map && this.store.run && map.run === this.store.run.id ? map : null;
  }

  /** How long a position is, and in what. */
  step() {
    const step = this.store.calibration?.scan_step_nm?.value;
    return step ? { size: step, name: 'nm' } : { size: 1, name: 'positions' };
  }

  #listen() {
    const { view } = this.display;
    view.addEventListener('cursor', ({ detail }) => {
      this.cursor = detail;
      if (detail && this.map) this.dispatchEvent(new CustomEvent('cursor', { detail }));
      this.#showReadout();
    });
    view.addEventListener('pick', ({ detail }) => this.dispatchEvent(new CustomEvent('pick', { detail })));
    this.root.addEventListener('pointerdown', () => this.dispatchEvent(new CustomEvent('chosen')));
    this.root.addEventListener('focusin', () => this.dispatchEvent(new CustomEvent('chosen')));
  }

  #showReadout() {
    const map = this.map;
    if (!map || !this.pass) return setText(this.readout, '');
    if (!this.cursor) return setText(this.readout, map.units);
    const { y, x } = this.cursor;
    const i = y * map.nx + x;
    setText(this.readout, `y ${y} x ${x}  ${this.#valueAt(i)}`);
  }

  #valueAt(i) {
    if (!this.pass.measured[i]) return 'not measured';
    const v = this.pass.data[i];
    if (this.display.kind === 'classes') return CLASSES.find((one) => one.value === v)?.name ?? 'not analysed';
    return value(v);
  }
}
