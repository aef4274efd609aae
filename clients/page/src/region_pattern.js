// The mean pattern of one position or of an area, read from the run's file by merlind.

const RETRY_MS = 150;
const MOST_TRIES = 40;

/** What the request `pattern` wants for a rectangle whose borders belong to it: [y0, x0, y1, x1], the ends outside. */
export function areaOf({ y0, x0, y1, x1 }) {
  return [y0, x0, y1 + 1, x1 + 1];
}

/**
 * Resolves to {data, shape, frames}: counts per frame. `pass`: of a scan with repeats. Of several requests the newest is asked for next: those that
 * were overtaken resolve to null.
 */
export class RegionPatterns {
  #next = null;
  #busy = false;

  constructor(connection) {
    this.connection = connection;
  }

  get(area, pass = null) {
    this.#next?.resolve(null);
    return new Promise((resolve, reject) => {
      this.#next = { area, pass, resolve, reject };
      this.#work();
    });
  }

  async #work() {
    if (this.#busy || !this.#next) return;
    const { area, pass, resolve, reject } = this.#next;
    this.#next = null;
    this.#busy = true;
    try {
      resolve(await this.#read(area, pass));
    } catch (error) {
      reject(error);
    }
    this.#busy = false;
    this.#work();
  }

  // Of large areas merlind reads one at a time: another viewer may be first.
  async #ask(args) {
    for (let tries = 0; ; tries++) {
      try {
        return await this.connection.request('pattern', args);
      } catch (error) {
        if (error.code !== 'busy' || tries === MOST_TRIES) throw error;
        await new Promise((done) => setTimeout(done, RETRY_MS));
      }
    }
  }

  async #read(area, pass) {
    const { result, arrays } = await this.#ask({ area: areaOf(area), ...(pass === null ? {} : { pass }) });
    const { data, shape } = arrays.data;
    if (result.frames === 0) throw new Error('no pattern of this place is in the file yet');
    return { data: data.map((v) => v / result.frames), shape, frames: result.frames };
  }
}
