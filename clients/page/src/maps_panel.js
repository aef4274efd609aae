// One, two or four maps side by side, and the display controls of the one that is chosen.

import { DisplayControls } from './display_controls.js';
import { isThere, sourcesOf } from './derived_maps.js';
import { button, choice, element, setOptions } from './dom.js';
import { DRAWN, MapMarks, beamPosition } from './map_marks.js';
import { MapPanel } from './map_panel.js';
import { firstMaps } from './products.js';

const LAYOUTS = [1, 2, 4];
const MOST_WIDTH = 999;

/** Events: `watch` (other maps are shown), `cursor` and `pick` (detail {y, x}), `area` (detail: a region), `line` (one was drawn, or has another width), `chosen`, `snapshot` and `figure` (detail: the panel). */
export class MapsPanel extends EventTarget {
  #names = '';

  constructor(store, settings) {
    super();
    Object.assign(this, { store, settings });
    this.marks = new MapMarks(() => this.#drawn());
    this.panels = Array.from({ length: LAYOUTS.at(-1) }, (_, i) => new MapPanel(i, { store, settings, marks: this.marks }));
    this.controls = new DisplayControls('Map');
    this.grid = element('div', { class: 'map-grid' }, ...this.panels.map((panel) => panel.root));
    this.layouts = LAYOUTS.map((n) => button(String(n), `${n === 1 ? 'One map' : `${n} maps`} at once`, () => this.setLayout(n), { class: 'toggle' }));
    this.tools = DRAWN.map(([kind, sign, text, seen = 'the mean pattern']) => button(sign, `Draw ${text}: drag on a map, see ${seen} (X; or hold ⇧ while dragging)`, () => this.draw(kind),
      { class: 'toggle', 'aria-label': `Draw ${text}` }));
    this.width = element('input', {
      type: 'number', min: 1, max: MOST_WIDTH, value: settings.get('lineWidth', 1), 'aria-label': 'Width of the line, positions',
      title: 'Width of the line: so many positions across it are averaged', onchange: () => this.#widthTyped(),
    });
    this.marks.lineWidth = Number(this.width.value);
    this.widthField = element('label', { class: 'line-width' }, this.width, 'wide');
    this.passes = choice('Pass of the scan that is shown', [], 'newest', (value) => store.turnToPass(value === 'newest' ? null : Number(value)));
    this.passes.classList.add('passes');
    const group = (label, buttons) => element('div', { class: 'toggles', role: 'group', 'aria-label': label }, ...buttons);
    this.controls.high.after(group('Draw a region or a line', this.tools), this.widthField);
    this.controls.root.append(this.passes, group('How many maps', this.layouts));
    this.root = element('div', { class: 'column maps-column' }, this.grid, this.controls.root);
    this.panels.forEach((panel) => this.#listen(panel));
    this.setLayout(settings.get('layout', 4));
    this.#showTools();
    this.choose(this.panels[0]);
    store.on('map', (name) => this.#mapChanged(name));
    store.on('run', () => this.#runChanged());
    store.on('pass pause', () => this.panels.forEach((panel) => panel.update()));
    store.on('run map pass', () => this.#showPasses());
    store.on('run', () => !store.run?.maps.length && this.panels.forEach((panel) => panel.update()));
    store.on('calibration', () => this.panels.forEach((panel) => panel.display.view.redraw()));
  }

  /** Names of the maps that are to be sent. */
  get watched() {
    return [...new Set(this.shown.flatMap((panel) => sourcesOf(panel.product)))];
  }

  get shown() {
    return this.panels.slice(0, this.layout);
  }

  setLayout(n) {
    this.layout = n;
    this.settings.set('layout', n);
    this.grid.dataset.layout = n;
    this.panels.forEach((panel, i) => { panel.root.hidden = i >= n; });
    this.layouts.forEach((one, i) => one.setAttribute('aria-pressed', String(LAYOUTS[i] === n)));
    this.shown.forEach((panel) => panel.update());
    if (this.chosen && !this.shown.includes(this.chosen)) this.choose(this.panels[0]);
    this.#emit('watch');
  }

  choose(panel) {
    if (this.chosen === panel) return;
    this.chosen = panel;
    this.panels.forEach((one) => one.root.classList.toggle('chosen', one === panel));
    this.controls.attach(panel.display);
    this.#emit('chosen', panel);
  }

  /** Marks the position that is looked at; a region that is drawn by keys stretches to it. */
  setPicked(place) {
    this.marks.picked = place;
    if (this.marks.drawing) this.marks.drag(place);
    this.redraw();
  }

  /** The next drag on a map draws such a region or line; asked for again, it does not. */
  draw(kind) {
    const { marks } = this;
    marks.armed = !marks.armed || marks.tool !== kind;
    marks.tool = kind;
    this.#showTools();
  }

  /** By keys: begins a region or line at the position that is looked at, and ends it. */
  drawByKey() {
    const { marks } = this;
    const size = this.chosen.display.view.size;
    if (marks.drawing) marks.drop();
    else if (marks.picked && size.width) marks.beginAt(marks.picked, size);
    this.redraw();
  }

  leaveDrawing() {
    if (!this.marks.drawing && !this.marks.armed) return;
    this.marks.leave();
    this.#showTools();
    this.redraw();
  }

  #drawn() {
    this.#showTools();
    const { tool, area, line } = this.marks;
    if (tool === 'line') line && this.#emit('line');
    else if (area) this.#emit('area', area);
  }

  #widthTyped() {
    this.width.value = Math.min(MOST_WIDTH, Math.max(1, Number(this.width.value) || 1));
    this.marks.lineWidth = Number(this.width.value);
    this.settings.set('lineWidth', this.marks.lineWidth);
    this.#emit('line');
  }

  #showTools() {
    const { tool, armed } = this.marks;
    // It keeps its place: tools that moved when one of them is chosen would not be where the hand is.
    this.widthField.classList.toggle('unused', tool !== 'line');
    this.tools.forEach((one, i) => one.setAttribute('aria-pressed', String(armed && DRAWN[i][0] === tool)));
  }

  redraw() {
    this.shown.forEach((panel) => panel.display.view.redraw());
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #listen(panel) {
    panel.addEventListener('chosen', () => this.choose(panel));
    panel.addEventListener('pick', ({ detail }) => this.#emit('pick', detail));
    panel.addEventListener('cursor', ({ detail }) => this.#emit('cursor', detail));
    for (const type of ['snapshot', 'figure']) panel.addEventListener(type, () => this.#emit(type, panel));
    panel.addEventListener('product', () => {
      this.settings.set('maps', this.panels.map((one) => one.product));
      this.#emit('watch');
    });
  }

  #mapChanged(name) {
    const { run } = this.store;
    const map = this.store.maps.get(name);
    this.shown.filter((panel) => sourcesOf(panel.product).includes(name)).forEach((panel) => panel.update(map.rows));
    if (!map || !run || map.run !== run.id) return;
    const growing = run.state === 'acquiring' && run.mode !== 'view';
    const newest = map.newestPass();
    this.marks.beam = growing && this.store.passOf(map) === newest ? beamPosition(map.pass(newest), map.ny, map.nx, run.geometry?.order) : null;
  }

  #showPasses() {
    const map = this.chosen?.map;
    this.passes.hidden = !map || map.passes === 1;
    if (this.passes.hidden) return;
    const numbers = Array.from({ length: map.passes }, (_, i) => [String(i), `pass ${i + 1} of ${map.passes}`]);
    setOptions(this.passes, [['newest', 'newest pass'], ...numbers], this.store.pass === null ? 'newest' : String(this.store.pass));
  }

  // The viewer's choice is kept as long as the run has such a map.
  #runChanged() {
    const { run } = this.store;
    if (!run) return;
    if (run.state !== 'acquiring' && this.marks.beam) {
      this.marks.beam = null;
      this.redraw();
    }
    const key = `${run.id} ${run.maps}`;
    if (key === this.#names || run.maps.length === 0) return;
    this.#names = key;
    const wanted = this.settings.get('maps', []);
    const firsts = firstMaps(run.maps, 4);
    this.panels.forEach((panel, i) => {
      const name = [panel.product, wanted[i]].find((one) => isThere(run.maps, one)) ?? firsts[i] ?? firsts[0];
      panel.turnTo(name);
      panel.names(run.maps);
    });
    this.#emit('watch');
  }
}
