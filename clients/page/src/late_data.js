// A viewer who comes late, after a run: what is not published any more is asked for.

const PATIENCE_MS = 1500;

export class LateData {
  #timer = 0;
  #expected = { profile: [], pattern: [] };
  #key = '';

  constructor(store, connection, toasts) {
    Object.assign(this, { store, connection, toasts });
  }

  /** Names of profiles and patterns that are looked at; what does not come by itself for a while is fetched. */
  expect(expected) {
    const { run } = this.store;
    const key = JSON.stringify([expected, run?.id, run?.state, this.connection.connected]);
    if (key === this.#key) return;
    this.#key = key;
    this.#expected = expected;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.toasts.attempt(() => this.#fetch()), PATIENCE_MS);
  }

  #missing(kind, name) {
    const { run } = this.store;
    return run?.[`${kind}s`]?.includes(name) && this.store[`${kind}s`].get(name)?.run !== run.id;
  }

  async #fetch() {
    const { run } = this.store;
    if (!this.connection.connected || !run) return;
    for (const [kind, names] of Object.entries(this.#expected)) {
      for (const name of names.filter((one) => this.#missing(kind, one))) await this.#fetchOne(kind, name);
    }
    if (run.state === 'finished' && run.bragg && run.bragg.state !== 'refused' && !this.store.bragg) await this.#fetchBragg();
  }

  // There may be nothing yet: then it comes by itself.
  async #fetchOne(kind, name) {
    try {
      const { result, arrays } = await this.connection.request(kind, { name });
      const now = Date.now();
      this.store[`take_${kind}`]({ ...result, scan: result.run, t: [Math.floor(now / 1000), 0] }, arrays);
    } catch (error) {
      if (error.code !== 'no_data') throw error;
    }
  }

  async #fetchBragg() {
    const { result } = await this.connection.request('bragg');
    this.store.bragg = result;
    this.store.changed('bragg');
  }
}
