// Values as they came in time, of a map.

/** The measured values of a pass in the order in which the scan went over it, and at which positions. */
export function inTime({ data, measured }, ny, nx, order) {
  const at = [];
  const values = [];
  for (let y = 0; y < ny; y++) {
    const back = order === 'serpentine' && y % 2 === 1;
    for (let k = 0; k < nx; k++) {
      const i = y * nx + (back ? nx - 1 - k : k);
      if (!measured[i] || !Number.isFinite(data[i])) continue;
      at.push(y * nx + k);
      values.push(data[i]);
    }
  }
  return { at, values };
}

/** Of a pass of the class map: 100 where there are reflections, 0 where there are none, else no number. */
export function percentWithReflections({ data, measured }) {
  return { data: data.map((v) => (v === 0 ? 0 : v < 254 ? 100 : NaN)), measured };
}

/** Means of at most `most` groups of neighbours, so that a plot has no more points than the screen. */
export function thinned({ at, values }, most) {
  const group = Math.ceil(values.length / most);
  if (group <= 1) return { at, values };
  const out = { at: [], values: [] };
  for (let i = 0; i < values.length; i += group) {
    const part = values.slice(i, i + group);
    out.at.push(at[i]);
    out.values.push(part.reduce((a, b) => a + b, 0) / part.length);
  }
  return out;
}

/** The fraction to quote as the scan grows: [{n, fraction, low, high}], one for each n. */
export class FractionHistory {
  #run = null;
  points = [];

  add({ run, n, headline: { fraction, interval } }) {
    if (run !== this.#run) {
      this.#run = run;
      this.points = [];
    }
    if (!n || fraction === null) return;
    const point = { n, fraction, low: interval[0], high: interval[1] };
    const last = this.points.at(-1);
    if (last && last.n >= n) this.points = this.points.filter((one) => one.n < n);
    this.points.push(point);
  }
}
