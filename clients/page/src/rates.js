// Rates from counts that merlind tells once a second.

const WINDOW_MS = 3000;

/** Rates of named counts over the last few seconds; begins anew when a count falls or the run changes. */
export class Rates {
  #seen = [];
  #run = null;

  add(at, run, counts) {
    const last = this.#seen.at(-1);
    const fell = last && Object.keys(counts).some((name) => counts[name] < last.counts[name]);
    if (run !== this.#run || fell) this.#seen = [];
    this.#run = run;
    this.#seen.push({ at, counts });
    while (this.#seen.length > 2 && this.#seen[0].at < at - WINDOW_MS) this.#seen.shift();
  }

  /** Per second; 0 before there are two counts. */
  of(name) {
    if (this.#seen.length < 2) return 0;
    const [first, last] = [this.#seen[0], this.#seen.at(-1)];
    return (1000 * (last.counts[name] - first.counts[name])) / Math.max(1, last.at - first.at);
  }
}
