// A map as it grows: rows are merged into it; those of another run or view of the scan do not belong to it.

export class MapData {
  run = null;
  geometry = 0;
  shape = [0, 0];
  data = new Float64Array(0);
  measured = new Uint8Array(0);
  units = '';
  provenance = null;
  time = [0, 0];
  /** The rows that came last, [first, count], among those of all passes. */
  rows = [0, 0];

  constructor(name) {
    this.name = name;
  }

  get nx() {
    return this.shape[this.shape.length - 1];
  }

  get ny() {
    return this.shape[this.shape.length - 2];
  }

  get passes() {
    return this.shape.length === 3 ? this.shape[0] : 1;
  }

  /** Whether the message's rows could be taken; rows before the first whole map cannot. */
  take(header, { data, measured }) {
    const [first, count] = header.rows;
    const same = header.scan === this.run && header.geometry === this.geometry &&
      String(header.shape) === String(this.shape);
    if (!same) {
      if (!header.key) return false;
      this.run = header.scan;
      this.geometry = header.geometry;
      this.shape = header.shape;
      const size = header.shape.reduce((a, b) => a * b, 1);
      this.data = new Float64Array(size);
      this.measured = new Uint8Array(size);
    }
    const nx = this.nx;
    this.data.set(data.data.subarray(0, count * nx), first * nx);
    this.measured.set(measured.data.subarray(0, count * nx), first * nx);
    this.rows = [first, count];
    this.units = data.units;
    this.provenance = header.provenance ?? null;
    this.time = header.t;
    return true;
  }

  /** The pass that is looked at: the newest in which something was measured. */
  newestPass() {
    const size = this.ny * this.nx;
    for (let pass = this.passes - 1; pass > 0; pass--) {
      if (this.measured.indexOf(1, pass * size) >= pass * size) return pass;
    }
    return 0;
  }

  /** {data, measured, first}: one pass, as views of the whole; first is its first row among those of all passes. */
  pass(number) {
    const size = this.ny * this.nx;
    const [from, to] = [number * size, (number + 1) * size];
    return { data: this.data.subarray(from, to), measured: this.measured.subarray(from, to), first: number * this.ny };
  }
}

/** Those of the rows [first, count] of all passes that are in the pass whose first row is `from`, of ny rows; count 0: none. */
export function rowsInPass([first, count], from, ny) {
  const begin = Math.max(first, from);
  return [begin - from, Math.max(0, Math.min(first + count, from + ny) - begin)];
}

/** Both spans of rows [first, count], and what lies between them. */
export function joined(one, other) {
  if (one[1] === 0) return other;
  if (other[1] === 0) return one;
  const first = Math.min(one[0], other[0]);
  return [first, Math.max(one[0] + one[1], other[0] + other[1]) - first];
}

/** Passes of an array [ny, nx] or [passes, ny, nx], from a reply to the request `map`. */
export function passesOf({ data, measured }) {
  const { shape } = data;
  const [ny, nx] = shape.slice(-2);
  const n = shape.length === 3 ? shape[0] : 1;
  const part = (array, i) => array.data.subarray(i * ny * nx, (i + 1) * ny * nx);
  return Array.from({ length: n }, (_, i) => ({ data: part(data, i), measured: part(measured, i), shape: [ny, nx] }));
}
