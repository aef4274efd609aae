// Who may steer: whoever has the token, unless another client holds control. What is known of it is `store.control`.

const RENEW_MS = 8000;

/** {may, reason}: whether this page may steer, and if not, why, for a person. */
export function judge({ connection, welcome, lease, mine }) {
  if (!connection.connected) return { may: false, reason: 'merlind cannot be reached just now' };
  if (!welcome?.may_control) return { may: false, reason: 'You are watching only: merlind logs an address with a token, which lets you steer' };
  if (lease && !mine) return { may: false, reason: `${lease.name} holds control` };
  return { may: true, reason: '' };
}

/** Keeps `store.control`: {may, reason, lease, mine}, of which the store's event `control` tells. */
export class Control {
  #asked = '';

  constructor({ store, connection }) {
    Object.assign(this, { store, connection, mine: false, lease: null });
    store.on('status', () => this.#see(store.status.lease ?? null));
    store.on('welcome', () => this.#ask());
    store.on('connection', () => this.#judge());
    setInterval(() => this.mine && this.#renew(), RENEW_MS);
    this.#judge();
  }

  /** Takes control under a name that the others see; `force`: from whoever holds it. */
  async take(name, force = false) {
    const { result } = await this.connection.request('lease', { action: 'take', name, ...(force ? { force } : {}) });
    this.connection.lease = result.token;
    this.#know(result);
  }

  async giveBack() {
    const { result } = await this.connection.request('lease', { action: 'release' });
    this.#know(result);
  }

  // The status tells who holds it, not whether that is this page.
  #see(lease) {
    const key = lease ? `${lease.name} ${lease.since}` : '';
    if (key === this.#asked) return;
    this.#asked = key;
    if (lease) this.#ask();
    else this.#know({ lease, mine: false });
  }

  async #ask() {
    try {
      this.#know((await this.connection.request('lease')).result);
    } catch {
      // The connection broke: the next welcome asks again.
    }
  }

  async #renew() {
    try {
      this.#know((await this.connection.request('lease', { action: 'renew' })).result);
    } catch {
      this.#ask();
    }
  }

  #know({ lease, mine }) {
    Object.assign(this, { lease, mine });
    if (!mine) this.connection.lease = null;
    this.#judge();
  }

  #judge() {
    const { store, lease, mine } = this;
    const now = { ...judge({ connection: store.connection, welcome: store.welcome, lease, mine }), lease, mine };
    if (JSON.stringify(now) === JSON.stringify(store.control)) return;
    store.control = now;
    store.changed('control');
  }
}

/** Lets a button or field be used, or not, with the reason as its tip. */
export function allow(control, may, reason = '') {
  control.dataset.tip ??= control.title;
  control.disabled = !may;
  control.title = (!may && reason) || control.dataset.tip;
}

/** The same of all that steers in a form, marked by its class; elements may come and go. */
export function allowAll(root, { may, reason }) {
  root.querySelectorAll('.steer').forEach((control) => allow(control, may, reason));
}
