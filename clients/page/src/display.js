// An image of values with its contrast and colours, which are the viewer's own and are remembered by product.

import { COLOUR_MAPS } from './colours.js';
import { Contrast } from './contrast.js';
import { coalesced } from './dom.js';
import { ImageView } from './image_view.js';
import { paint, paintClasses, scaledTable } from './raster.js';

const LIMITS_EVERY_MS = 300;

/** Events: `shown`, after the image, its limits or its colours have changed. */
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

  /** `key`: under which its settings are remembered, followed by the product's name. */
  constructor(label, settings, key) {
    super();
    this.#settings = settings;
    this.#key = key;
    this.label = label;
    this.view = new ImageView(label);
    this.#repaint = coalesced(() => this.#paint());
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
    this.view.shape(0, 0);
    this.#repaint();
  }

  /** `image`: {data, measured (or null), shape: [height, width], units}. */
  show(image) {
    this.image = image;
    this.#repaint();
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

  /** What a snapshot tells of how it was shown. */
  get shownAs() {
    if (this.kind === 'classes') return { colours: 'classes' };
    const { limits, scale, auto, percent } = this.contrast;
    return { colours: this.colours, limits, scale, auto, percent };
  }

  #changed() {
    this.#limitsAt = -Infinity;
    const { auto, limits, scale, percent } = this.contrast;
    this.#settings.set(`${this.#key}.${this.product}`, {
      auto, scale, percent, colours: this.colours, limits: auto === 'always' ? null : limits,
    });
    this.#repaint();
  }

  #paint() {
    const { image, view } = this;
    if (!image) {
      view.redraw();
      this.dispatchEvent(new CustomEvent('shown'));
      return;
    }
    view.shape(...image.shape);
    if (this.kind === 'classes') {
      paintClasses(view.words, image.data, image.measured);
    } else {
      this.#seeLimits(image);
      const limits = this.contrast.limits ?? [0, 1];
      paint(view.words, image.data, image.measured, limits, this.#fineTable());
      view.base.dataset.limits = JSON.stringify(limits);
    }
    view.base.dataset.product = this.product;
    view.painted();
    this.dispatchEvent(new CustomEvent('shown'));
  }

  // Percentiles cost more than painting: of a map that grows they are taken a few times a second.
  #seeLimits(image) {
    const { contrast } = this;
    const wait = this.#limitsAt + LIMITS_EVERY_MS - performance.now();
    if (contrast.limits && !contrast.pending && contrast.auto === 'always' && wait > 0) {
      this.#limitsTimer ||= setTimeout(() => this.#repaint(), wait);
      return;
    }
    clearTimeout(this.#limitsTimer);
    this.#limitsTimer = 0;
    this.#limitsAt = performance.now();
    contrast.see(image.data, image.measured, this.defaults.centre);
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
