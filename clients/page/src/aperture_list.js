// The virtual detectors as drawn here and as merlind has them: a change is shown at once as requested, and as applied
// when merlind has answered. One request at a time for each; of changes meanwhile the last one counts.

import { requestOf, withCentre } from './apertures.js';

const HUES = ['#4cc9f0', '#ffb454', '#7ee081', '#f783ac', '#c0a6ff', '#ffe066', '#66d9c6', '#ff8f6b'];

/** Events: `change` (any), `applied` (a change that was asked for; detail {name}), `failed` (detail {name, error}). Entries: {name, applied, wanted, state, colour, since}. */
export class ApertureList extends EventTarget {
  entries = new Map();
  selected = null;
  #connection;

  constructor(connection) {
    super();
    this.#connection = connection;
  }

  /** `middle`: of a frame, where merlind has detectors that name no centre, wherever the pattern's centre is. */
  async load(middle) {
    const { result } = await this.#connection.request('virtual_detectors');
    const names = new Set(result.detectors.map((detector) => detector.name));
    for (const name of this.entries.keys()) if (!names.has(name)) this.entries.delete(name);
    for (const detector of result.detectors) this.#applied(withCentre(detector, middle));
    this.#changed();
  }

  get(name) {
    return this.entries.get(name);
  }

  get chosen() {
    return this.entries.get(this.selected) ?? null;
  }

  select(name) {
    this.selected = name;
    this.#changed();
  }

  selectNext() {
    const names = [...this.entries.values()].filter((entry) => entry.wanted).map(({ name }) => name);
    if (names.length) this.select(names[(names.indexOf(this.selected) + 1) % names.length]);
  }

  /** Draws it as wanted without asking merlind yet (while it is dragged). */
  preview(detector) {
    const entry = this.#entry(detector.name);
    entry.wanted = detector;
    entry.state = 'requested';
    this.#changed();
  }

  /** Asks merlind for it. */
  async ask(detector) {
    this.preview(detector);
    const entry = this.#entry(detector.name);
    if (entry.busy) return;
    entry.busy = true;
    try {
      while (entry.state === 'requested') {
        const asked = entry.wanted;
        const { result } = await this.#connection.request('virtual_detector', requestOf(asked));
        entry.applied = withCentre(result.detector, asked.centre);
        if (entry.wanted === asked) {
          entry.wanted = entry.applied;
          entry.state = 'applied';
          this.dispatchEvent(new CustomEvent('applied', { detail: { name: detector.name } }));
        }
      }
    } catch (error) {
      entry.state = 'refused';
      if (entry.applied) Object.assign(entry, { wanted: entry.applied, state: 'applied' });
      else this.entries.delete(detector.name);
      this.dispatchEvent(new CustomEvent('failed', { detail: { name: detector.name, error } }));
    }
    entry.busy = false;
    this.#changed();
  }

  async remove(name) {
    await this.#connection.request('virtual_detector_remove', { name });
    this.entries.delete(name);
    if (this.selected === name) this.selected = null;
    this.#changed();
  }

  #entry(name) {
    if (!this.entries.has(name)) {
      const taken = new Set([...this.entries.values()].map((entry) => entry.colour));
      const colour = HUES.find((hue) => !taken.has(hue)) ?? HUES[this.entries.size % HUES.length];
      this.entries.set(name, { name, colour, applied: null, wanted: null, state: 'applied', busy: false });
    }
    return this.entries.get(name);
  }

  #applied(detector) {
    const entry = this.#entry(detector.name);
    entry.applied = detector;
    if (entry.state !== 'requested') entry.wanted = detector;
  }

  #changed() {
    this.dispatchEvent(new CustomEvent('change'));
  }
}
