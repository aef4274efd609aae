// The radial profile of the pattern under the cursor, as it moves over a map.

import { throttled } from './dom.js';
import { radialMean } from './radial.js';
import { RegionPatterns } from './region_pattern.js';

const EVERY_MS = 120;

/** Name by which it is chosen among merlind's profiles, none of which has such a name. */
export const AT_CURSOR = '@cursor';

/** Events: `change`. */
export class CursorProfile extends EventTarget {
  /** {where, data}: counts per pixel in rings; or {where, why}; null: the cursor has been nowhere. */
  shown = null;
  #wanted = null;
  #ask;

  /** `centre()`: [y, x] of the patterns. */
  constructor(connection, centre) {
    super();
    this.regions = new RegionPatterns(connection);
    this.centre = centre;
    this.#ask = throttled(() => this.#look(), EVERY_MS);
  }

  /** The cursor has come to {y, x}, of pass `pass` (null: there is one only). */
  at(place, pass) {
    this.#wanted = { ...place, pass };
    this.#ask();
  }

  forget() {
    this.shown = null;
    this.dispatchEvent(new CustomEvent('change'));
  }

  async #look() {
    const { y, x, pass } = this.#wanted;
    const where = `y ${y}  x ${x}`;
    try {
      const found = await this.regions.get({ y0: y, x0: x, y1: y, x1: x }, pass);
      if (!found) return;
      this.shown = { where, data: radialMean(found.data, found.shape, this.centre()) };
    } catch (error) {
      this.shown = { where, why: error.message };
    }
    this.dispatchEvent(new CustomEvent('change'));
  }
}
