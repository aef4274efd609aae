// What is known of merlind now: one place that messages are put into and views read from.

import { CLASSES } from './colours.js';
import { MapData } from './map_data.js';

const STATUSES_REMEMBERED = 60;
const milliseconds = ([seconds, nanoseconds]) => seconds * 1000 + nanoseconds / 1e6;

/**
 * Events: the name of what changed: `status`, `run`, `connection`, `viewers`, `welcome`, `detectors`, `calibration`,
 * `bragg`, `rows`, `control`, `pass`, `pause`, `happening` (detail: header of an event/ message), `map` / `pattern` / `profile` (detail: the name).
 */
export class Store extends EventTarget {
  status = null;
  run = null;
  connection = { connected: false, retryAt: 0 };
  welcome = null;
  viewers = 0;
  detectors = [];
  calibration = null;
  reflections = null;
  maps = new Map();
  patterns = new Map();
  profiles = new Map();
  control = { may: false, reason: '', lease: null, mine: false };
  /** Maps and patterns stay as they are; what comes meanwhile is shown afterwards. */
  paused = false;
  /** The pass of a scan with repeats that is looked at; null: the newest. */
  pass = null;
  #clocks = [];
  #bragg = null;

  /** Statistics of the newest run: those of the one before may come after it has begun. */
  get bragg() {
    return this.#bragg?.run === this.run?.id ? this.#bragg : null;
  }

  set bragg(told) {
    this.#bragg = told;
  }

  changed(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** `types`: of events, with blanks between. Returns what takes the listener away again. */
  on(types, listener) {
    const heard = types.split(' ').map((type) => [type, (event) => listener(event.detail, type)]);
    for (const [type, hear] of heard) this.addEventListener(type, hear);
    return () => heard.forEach(([type, hear]) => this.removeEventListener(type, hear));
  }

  take({ topic, header, arrays }) {
    const kind = topic.slice(0, topic.indexOf('/'));
    this[`take_${kind}`]?.(header, arrays, topic);
  }

  take_status({ status, t }) {
    this.status = status;
    // What comes later than at the least difference was on its way. Only of the last minute: clocks are set now and then.
    this.#clocks.push(performance.now() - milliseconds(t));
    if (this.#clocks.length > STATUSES_REMEMBERED) this.#clocks.shift();
    this.setRun(status.run);
    this.changed('status');
  }

  take_acquisition({ run, event }) {
    this.setRun(run);
    this.changed('happening', { event, run: run.id, text: '' });
  }

  take_event(header) {
    this.changed('happening', header);
  }

  setRun(run) {
    const other = run?.id !== this.run?.id;
    this.run = run;
    if (other) {
      if (this.reflections?.run !== run?.id) this.reflections = null;
      this.changed('bragg');
      this.changed('rows');
    }
    this.changed('run');
  }

  take_map(header, arrays) {
    const map = this.maps.get(header.name) ?? new MapData(header.name);
    if (!map.take(header, arrays)) return;
    this.maps.set(header.name, map);
    this.changed('map', header.name);
  }

  take_pattern(header, { data }) {
    const { name, scan: run, number, position, geometry, full_scale: fullScale = null, t: time } = header;
    this.patterns.set(name, { ...data, run, number, position, geometry, fullScale, time });
    this.changed('pattern', name);
  }

  take_profile(header, { data }) {
    this.profiles.set(header.name, { ...data, run: header.scan, units: header.units, description: header.description });
    this.changed('profile', header.name);
  }

  take_bragg(header, arrays, topic) {
    if (topic === 'bragg/summary/') {
      this.bragg = header;
      this.changed('bragg');
    } else {
      this.takeRows(header, arrays);
    }
  }

  // Reflections by the row of the scan in which they are; rows replace what was told of them before.
  takeRows(header, arrays) {
    const { rows: [first, count], run, geometry } = header;
    if (!this.reflections || this.reflections.run !== run || this.reflections.geometry !== geometry) {
      this.reflections = { run, geometry, byRow: new Map() };
    }
    for (let row = first; row < first + count; row++) this.reflections.byRow.delete(row);
    const map = this.maps.get('bragg/class');
    const nx = map?.nx ?? this.run?.geometry?.scan?.[1];
    if (!nx) return;
    const { position } = arrays;
    const values = Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, array.data]));
    for (let i = 0; i < position.data.length; i++) {
      const row = Math.floor(position.data[i] / nx);
      if (!this.reflections.byRow.has(row)) this.reflections.byRow.set(row, []);
      this.reflections.byRow.get(row).push({
        position: position.data[i], y: values.y[i], x: values.x[i], contrast: values.contrast[i], log10p: values.log10_p[i],
      });
    }
    this.changed('rows');
  }

  /** Reflections of a position of the newest run, or []. */
  reflectionsAt(row, position) {
    return (this.reflections?.byRow.get(row) ?? []).filter((reflection) => reflection.position === position);
  }

  /** {row, index, y, x} of a position of the run among those of all passes, as it is seen; null where there is no scan. */
  placeOf(index) {
    const [ny, nx] = this.run?.geometry?.scan ?? [];
    if (!nx || index === null || index === undefined) return null;
    const row = Math.floor(index / nx);
    return { row, index, y: row % ny, x: index % nx };
  }

  /** Name of the Bragg class of a position of the newest run, '' where it is not known. */
  classAt(index) {
    const map = this.maps.get('bragg/class');
    return (map?.run === this.run?.id && CLASSES.find(({ value }) => value === map?.data[index])?.name) || '';
  }

  /** Seconds since merlind made what has this time; both clocks need not agree. */
  age(time) {
    return Math.max(0, (performance.now() - Math.min(...this.#clocks) - milliseconds(time)) / 1000);
  }

  /** Number of the pass of a map that is to be shown. */
  passOf(map) {
    return this.pass === null || this.pass >= map.passes ? map.newestPass() : this.pass;
  }

  pause(paused) {
    this.paused = paused;
    this.changed('pause');
  }

  turnToPass(pass) {
    this.pass = pass;
    this.changed('pass');
  }
}
