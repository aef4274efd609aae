// The profile of the chosen map along the line that is drawn on it, and its period; merlind tells both, as the map is just then.

import { throttled } from './dom.js';
import { title } from './products.js';
import { withError } from './words.js';

const EVERY_MS = 500;

/** Name by which it is chosen among merlind's profiles, none of which has such a name. */
export const ALONG_LINE = '@line';

/** Columns of a plot: how far along the line, the values, and these less and more a standard error; what was not measured is null. */
export function curveOf({ spacing }, { profile, error }, stepSize) {
  const known = (v) => (Number.isFinite(v) ? v : null);
  const values = Array.from(profile.data);
  const off = (sign) => values.map((v, i) => known(v + sign * error.data[i]));
  return [values.map((_, i) => i * spacing * stepSize), values.map(known), off(-1), off(1)];
}

/** `step`: {size, name} of a position. */
export function periodInWords({ period }, step) {
  if (!period) return 'no period found';
  return `period ${withError(period.value * step.size, period.error === null ? null : period.error * step.size)} ${step.name}`;
}

/** Events: `change`. */
export class LineProfile extends EventTarget {
  /** {name, result, arrays}: of this map, as merlind replied; or {why}; null: nothing was asked for. */
  shown = null;
  #followed = false;
  #wanted = null;
  #busy = false;

  /** `passNumber()`: of the pass that is looked at, null where there is one only. */
  constructor({ connection, store, maps, passNumber }) {
    super();
    Object.assign(this, { connection, store, maps, passNumber });
    const again = throttled(() => this.#ask(), EVERY_MS);
    store.on('map', (name) => name === maps.chosen?.source && again());
    store.on('pass', again);
    for (const type of ['chosen', 'watch']) maps.addEventListener(type, again);
  }

  /** Whether it is looked at: only then merlind is asked, and the line is on the maps. */
  follow(followed) {
    this.#followed = followed;
    this.maps.marks.showsLine = followed;
    this.maps.redraw();
    this.#ask();
  }

  forget() {
    this.shown = null;
    this.dispatchEvent(new CustomEvent('change'));
    this.#ask();
  }

  /** What merlind is to be asked, or {why} there is nothing to ask. */
  #question() {
    const { chosen, marks: { line, lineWidth } } = this.maps;
    if (!line) return { why: 'draw a line on a map: ╱' };
    if (!chosen.source) return { why: 'no map yet' };
    if (chosen.product !== chosen.source || chosen.display.kind === 'classes') return { why: `${title(chosen.product)} has no profile: choose another map` };
    const pass = this.passNumber();
    return { name: chosen.source, from: [line.from.y, line.from.x], to: [line.to.y, line.to.x], width: lineWidth, ...(pass === null ? {} : { pass }) };
  }

  // While a reply is being waited for only the newest question is kept.
  async #ask() {
    if (!this.#followed || !this.store.run) return;
    this.#wanted = this.#question();
    if (this.#busy) return;
    this.#busy = true;
    for (let asked = null; asked !== this.#wanted;) {
      asked = this.#wanted;
      this.shown = await this.#answer(asked);
      this.dispatchEvent(new CustomEvent('change'));
    }
    this.#busy = false;
  }

  async #answer(asked) {
    if (asked.why) return asked;
    try {
      return { name: asked.name, ...await this.connection.request('map_profile', asked) };
    } catch (error) {
      return { why: error.message };
    }
  }
}
