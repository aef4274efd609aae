// An image of values with its contrast and colours, which are the viewer's own and are remembered by product.

import { COLOUR_MAPS } from './colours.js';
import { Contrast } from './contrast.js';
import { coalesced, onBeat, setData } from './dom.js';
import { ImageView } from './image_view.js';
import { joined } from './map_data.js';
import { paint, paintClasses, paintDirections, scaledTable } from './raster.js';
import { seenPart } from './seen_part.js';

const LIMITS_EVERY_MS = 300;

/** Events: `shown`, after the image, its limits or its colours have changed; detail.touched: by the viewer, not only by what came. */
export class Display extends EventTarget {
  product = null;
  image = null;
  contrast = new Contrast();
  colours = 'grey';
  kind = 'values';
  #settings;
  #key;
  #limitsAt = -Infinity;
  #limitsTimer = 0;
  #fine = null;
  #fineFor = '';
  #repaint;
  /** Rows that are to be painted, [first, count]; all that was painted is of these limits and colours. */
  #rows = [0, 0];
  #paintedAs = '';
  #touched = true;

  /** `key`: under which its settings are remembered, followed by the product's name. */
  constructor(label, settings, key) {
    super();
    this.#settings = settings;
    this.#key = key;
    this.label = label;
    this.view = new ImageView(label);
    this.#repaint = coalesced(this.#paint);
    this.view.addEventListener('view', () => this.#seenOtherwise());
  }

  /** Turns to another product, with the settings that were last used for it. */
  turnTo(product, defaults) {
    this.product = product;
    this.defaults = defaults;
    this.kind = defaults.kind;
    const kept = this.#settings.get(`${this.#key}.${product}`, {});
    this.colours = COLOUR_MAPS[kept.colours] ? kept.colours : defaults.colours ?? 'grey';
    this.contrast = new Contrast({ percent: defaults.percent, scale: defaults.scale, ...kept });
    this.image = null;
    this.#limitsAt = -Infinity;
    this.#paintedAs = '';
    this.#touched = true;
    this.view.shape(0, 0);
    setData(this.view.base, 'product', '');
    this.#repaint();
  }

  /**
   * `image`: {data, measured (or null), shape: [height, width], units}, and of directions `angle`, in turns. `rows`: [first, count]
   * of those that differ from what was shown before, null: all of them.
   */
  show(image, rows = null) {
    this.#rows = rows && isSameArray(image, this.image) ? joined(this.#rows, rows) : [0, image.shape[0]];
    this.image = image;
    onBeat(this.#paint);
  }

  setColours(name) {
    this.colours = name;
    this.#changed();
  }

  setScale(scale) {
    this.contrast.scale = scale;
    this.#changed();
  }

  setAuto(auto) {
    this.contrast.setAuto(auto);
    this.#changed();
  }

  /** Takes the limits from what is shown now, once. */
  autoOnce() {
    const { auto } = this.contrast;
    this.contrast.setAuto('once');
    if (auto === 'always') this.contrast.auto = 'always';
    this.#changed();
  }

  setVisible(visible) {
    this.contrast.visible = visible;
    if (this.contrast.auto !== 'always') this.contrast.setAuto('once');
    this.#changed();
  }

  setPercent(percent) {
    this.contrast.percent = percent;
    if (this.contrast.auto !== 'always') this.contrast.setAuto('once');
    this.#changed();
  }

  setLimits([low, high]) {
    this.contrast.setLimits(low, high);
    this.#changed();
  }

  get table() {
    return COLOUR_MAPS[this.colours].table;
  }

  /** Whether hue is direction; with other colours only how far is shown. */
  get showsDirections() {
    return this.kind === 'directions' && COLOUR_MAPS[this.colours].kind === 'cyclic';
  }

  /** What a snapshot tells of how it was shown. */
  get shownAs() {
    if (this.kind === 'classes') return { colours: 'classes' };
    const { limits, scale, auto, percent, visible } = this.contrast;
    return { colours: this.colours, limits, scale, auto, percent, visible };
  }

  #changed() {
    this.#limitsAt = -Infinity;
    this.#touched = true;
    const { auto, limits, scale, percent, visible } = this.contrast;
    this.#settings.set(`${this.#key}.${this.product}`, {
      auto, scale, percent, visible, colours: this.colours, limits: auto === 'always' ? null : limits,
    });
    this.#repaint();
  }

  #paint = () => {
    const { image, view } = this;
    if (!image) {
      view.redraw();
      this.#tell();
      return;
    }
    const before = view.words;
    view.shape(...image.shape);
    if (this.kind !== 'classes') this.#seeLimits(image);
    const [first, count] = this.#rowsToPaint(view.words !== before);
    this.#paintRows(first * image.shape[1], (first + count) * image.shape[1]);
    this.#rows = [0, 0];
    setData(view.base, 'product', this.product);
    view.painted(first, count);
    this.#tell();
  };

  #tell() {
    const touched = this.#touched;
    this.#touched = false;
    this.dispatchEvent(new CustomEvent('shown', { detail: { touched } }));
  }

  // Those that have come, or all where limits or colours are others.
  #rowsToPaint(anew) {
    const as = `${this.product} ${this.colours} ${this.contrast.scale} ${this.contrast.limits}`;
    const all = anew || as !== this.#paintedAs;
    this.#paintedAs = as;
    return all ? [0, this.image.shape[0]] : this.#rows;
  }

  #paintRows(from, to) {
    const { image, view, contrast } = this;
    if (this.kind === 'classes') {
      paintClasses(view.words, image.data, image.measured, from, to);
      return;
    }
    const limits = contrast.limits ?? [0, 1];
    if (this.showsDirections) paintDirections(view.words, image, limits, this.table, contrast.scale, from, to);
    else paint(view.words, image.data, image.measured, limits, this.#fineTable(), from, to);
    setData(view.base, 'limits', JSON.stringify(limits));
  }

  #seenOtherwise() {
    if (!this.contrast.visible || this.contrast.auto !== 'always' || !this.image) return;
    this.#limitsAt = -Infinity;
    this.#touched = true;
    this.#repaint();
  }

  // Percentiles cost more than painting: of a map that grows they are taken a few times a second.
  #seeLimits(image) {
    const { contrast } = this;
    const wait = this.#limitsAt + LIMITS_EVERY_MS - performance.now();
    if (contrast.limits && !contrast.pending && contrast.auto === 'always' && wait > 0) {
      this.#limitsTimer ||= setTimeout(() => onBeat(this.#paint), wait);
      return;
    }
    clearTimeout(this.#limitsTimer);
    this.#limitsTimer = 0;
    this.#limitsAt = performance.now();
    const { data, measured } = contrast.visible ? seenPart(image, this.view) : image;
    contrast.see(data, measured, this.defaults.centre);
  }

  #fineTable() {
    const key = `${this.colours} ${this.contrast.scale}`;
    if (this.#fineFor !== key) {
      this.#fine = scaledTable(this.table, this.contrast.scale);
      this.#fineFor = key;
    }
    return this.#fine;
  }
}

const isSameArray = (one, other) => one.data.buffer === other?.data.buffer && one.data.byteOffset === other.data.byteOffset && String(one.shape) === String(other.shape);
