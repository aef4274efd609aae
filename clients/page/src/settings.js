// What a viewer has chosen, kept in this browser.

const KEY = 'merlind.page';

export class Settings {
  #values;

  constructor(storage = window.localStorage) {
    this.storage = storage;
    try {
      this.#values = JSON.parse(storage.getItem(KEY)) ?? {};
    } catch {
      this.#values = {};
    }
  }

  get(name, otherwise) {
    return this.#values[name] ?? otherwise;
  }

  set(name, value) {
    this.#values[name] = value;
    try {
      this.storage.setItem(KEY, JSON.stringify(this.#values));
    } catch {
      // A browser that keeps nothing still shows everything.
    }
  }
}
