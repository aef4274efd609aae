// The mean pattern of one position or of a drawn region, read from the run's file by merlind.

import { spansOf } from './regions.js';

const RETRY_MS = 150;
const MOST_TRIES = 40;
const NOTHING = 'No pattern of this place is in the file yet: it comes with the scan.';

/** What the request `pattern` wants for a rectangle whose borders belong to it: [y0, x0, y1, x1], the ends outside. */
export function areaOf({ y0, x0, y1, x1 }) {
  return [y0, x0, y1 + 1, x1 + 1];
}

/**
 * Resolves to {data, shape, frames}: counts per frame. `pass`: of a scan with repeats, of rectangles only. Of several requests the newest is asked for next: those that
 * were overtaken, and those that were forgotten, resolve to null.
 */
export class RegionPatterns {
  #next = null;
  #busy = false;
  #forgotten = 0;

  constructor(connection) {
    this.connection = connection;
  }

  /** `scan`: [ny, nx], of regions other than rectangles. */
  get(area, pass = null, scan = null) {
    this.#next?.resolve(null);
    return new Promise((resolve, reject) => {
      this.#next = { area, pass, scan, resolve, reject };
      this.#work();
    });
  }

  /** The viewer looks at something else now: what was asked for does not come any more. */
  forget() {
    this.#forgotten++;
    this.#next?.resolve(null);
    this.#next = null;
  }

  async #work() {
    if (this.#busy || !this.#next) return;
    const { area, pass, scan, resolve, reject } = this.#next;
    const forgotten = this.#forgotten;
    this.#next = null;
    this.#busy = true;
    try {
      const found = await ('y0' in area ? this.#readRectangle(area, pass) : this.#readSpans(spansOf(area, scan)));
      resolve(forgotten === this.#forgotten ? found : null);
    } catch (error) {
      if (forgotten === this.#forgotten) reject(error);
      else resolve(null);
    }
    this.#busy = false;
    this.#work();
  }

  // Of large areas merlind reads one at a time: another viewer may be first.
  async #ask(cmd, args) {
    for (let tries = 0; ; tries++) {
      try {
        return await this.connection.request(cmd, args);
      } catch (error) {
        if (error.code !== 'busy' || tries === MOST_TRIES) throw error;
        await new Promise((done) => setTimeout(done, RETRY_MS));
      }
    }
  }

  async #readRectangle(area, pass) {
    const { result, arrays } = await this.#ask('pattern', { area: areaOf(area), ...(pass === null ? {} : { pass }) });
    const { data, shape } = arrays.data;
    if (result.frames === 0) throw new Error(NOTHING);
    return { data: data.map((v) => v / result.frames), shape, frames: result.frames };
  }

  // The region is label 1; label 0 is empty.
  async #readSpans(spans) {
    const { arrays: { mean, frames: { data: frames } } } = await this.#ask('label_patterns', { regions: [spans], mean: true });
    if (!frames[1]) throw new Error(NOTHING);
    const [, height, width] = mean.shape;
    return { data: mean.data.slice(height * width), shape: [height, width], frames: frames[1] };
  }
}
