// The mean pattern of one position or of an area, read from the run's file by merlind.

const MOST_POSITIONS = 400000;
const RETRY_MS = 150;
const MOST_TRIES = 40;

/** labels [ny][nx], 1 within the rectangle (borders included) and 0 elsewhere. */
export function labelsOf([ny, nx], { y0, x0, y1, x1 }) {
  const empty = new Array(nx).fill(0);
  const inside = empty.map((_, x) => (x >= x0 && x <= x1 ? 1 : 0));
  return Array.from({ length: ny }, (_, y) => (y >= y0 && y <= y1 ? inside : empty));
}

/**
 * Resolves to {data, shape, frames}: counts per frame. Of several requests the newest is asked for next: those that
 * were overtaken resolve to null.
 */
export class RegionPatterns {
  #next = null;
  #busy = false;

  constructor(connection) {
    this.connection = connection;
  }

  get(scan, area) {
    if (scan[0] * scan[1] > MOST_POSITIONS) {
      return Promise.reject(new Error('patterns at a position are shown of scans of up to 400,000 positions'));
    }
    this.#next?.resolve(null);
    return new Promise((resolve, reject) => {
      this.#next = { scan, area, resolve, reject };
      this.#work();
    });
  }

  async #work() {
    if (this.#busy || !this.#next) return;
    const { scan, area, resolve, reject } = this.#next;
    this.#next = null;
    this.#busy = true;
    try {
      resolve(await this.#read(scan, area));
    } catch (error) {
      reject(error);
    }
    this.#busy = false;
    this.#work();
  }

  // merlind reads for one at a time: another viewer may be first.
  async #ask(args) {
    for (let tries = 0; ; tries++) {
      try {
        return await this.connection.request('label_patterns', args);
      } catch (error) {
        if (error.code !== 'busy' || tries === MOST_TRIES) throw error;
        await new Promise((done) => setTimeout(done, RETRY_MS));
      }
    }
  }

  async #read(scan, area) {
    const { arrays } = await this.#ask({ labels: labelsOf(scan, area) });
    const { data, shape } = arrays.sum;
    const size = shape[1] * shape[2];
    const frames = arrays.frames.data[1] ?? 0;
    if (frames === 0) throw new Error('no pattern of this place is in the file yet');
    return { data: data.subarray(size, 2 * size).map((v) => v / frames), shape: shape.slice(1), frames };
  }
}
