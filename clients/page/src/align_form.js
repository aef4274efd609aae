// Aligning: the bright disk of the newest patterns in numbers, and how near the counter is to full scale.

import { allow } from './control.js';
import { measureDisk, RunningMean } from './disk_measure.js';
import { button, element, setText } from './dom.js';
import { VacuumForm } from './vacuum_form.js';
import { percent, signed, value } from './words.js';

const PATTERNS = 8;
const DETECTOR_EVERY_MS = 5000;

export class AlignForm {
  #mean = new RunningMean(PATTERNS);
  #askedAt = 0;

  constructor({ store, connection, toasts }) {
    Object.assign(this, { store, connection, toasts, open: false, exposureMs: null, fullScale: null });
    this.facts = element('dl', { class: 'facts readings' });
    this.vacuum = new VacuumForm({ store, connection, toasts, exposureMs: () => this.exposureMs });
    this.useCentre = button('Use this centre', 'Take the disk\'s centre as the centre of the pattern', () => this.#use(), { class: 'steer' });
    this.root = element('div', {},
      element('p', { class: 'muted' }, `The bright disk, over the last ${PATTERNS} patterns. The button Align in the tab Scan scans over and over, unrecorded.`),
      this.facts, element('div', { class: 'buttons' }, this.useCentre),
      this.vacuum.root);
    store.on('pattern', (name) => name === 'latest' && this.open && this.#take());
    store.on('control', () => this.#enable());
    this.#enable();
  }

  shown() {
    this.open = true;
    this.vacuum.load();
    this.#askDetector();
    this.#show(null);
  }

  left() {
    this.open = false;
  }

  #take() {
    const { data, shape } = this.store.patterns.get('latest');
    this.#askDetector();
    const found = measureDisk(this.#mean.add(data, shape), shape);
    if (found) found.peak = data.reduce((a, b) => Math.max(a, b), 0);
    this.measured = found && { ...found, shape };
    this.#show(this.measured);
  }

  // Exposure and depth of the counter, from time to time: they may be changed elsewhere.
  async #askDetector() {
    if (Date.now() - this.#askedAt < DETECTOR_EVERY_MS) return;
    this.#askedAt = Date.now();
    try {
      const [time, depth] = await Promise.all(['ACQUISITIONTIME', 'COUNTERDEPTH'].map((name) => this.connection.request('get', { name })));
      this.exposureMs = Number(time.result.value);
      this.fullScale = 2 ** Number(depth.result.value) - 1;
    } catch {
      [this.exposureMs, this.fullScale] = [null, null]; // a passive detector tells nothing: then neither is shown
    }
  }

  #show(disk) {
    const rows = disk ? this.#rows(disk) : [['Disk', 'no pattern yet']];
    const text = JSON.stringify(rows);
    if (text !== this.rowsShown) {
      this.rowsShown = text;
      this.facts.replaceChildren(...rows.flatMap(([name, told, tone]) => [element('dt', {}, name), element('dd', { 'data-tone': tone ?? '' }, told)]));
    }
    this.#enable();
  }

  #rows({ centre, radius, roundness, edge, plateau, peak, shape }) {
    const { calibration } = this.store;
    const k = calibration?.pixel_size_k?.value;
    const wavelength = calibration?.wavelength_nm?.value;
    const middle = calibration?.centre?.value ?? shape.map((n) => (n - 1) / 2);
    const angle = k && wavelength ? `  ${(1000 * radius * k * wavelength).toFixed(2)} mrad` : '';
    const offset = centre.map((v, i) => v - middle[i]);
    const rows = [
      ['Radius', `${radius.toFixed(1)} px${angle}`],
      ['Edge, 90 to 10 %', `${edge.toFixed(1)} px`],
      ['Roundness', roundness.toFixed(3), roundness < 0.95 ? 'warn' : ''],
      ['Centre', `y ${centre[0].toFixed(1)}  x ${centre[1].toFixed(1)} px`],
      [calibration?.centre ? 'From the calibrated' : 'From the middle', `y ${signed(offset[0], 1)}  x ${signed(offset[1], 1)} px`],
      ['Counts in the disk', value(plateau)], ['Highest count', value(peak)],
    ];
    if (this.exposureMs) rows.push(['Peak rate', `${value((1000 * peak) / this.exposureMs)} counts a second`], ['Exposure', `${value(this.exposureMs)} ms`]);
    if (this.fullScale > 1) rows.push(['Of full scale', percent(peak / this.fullScale), peak >= this.fullScale ? 'bad' : peak > this.fullScale / 2 ? 'warn' : '']);
    return rows;
  }

  #use() {
    return this.toasts.attempt(async () => {
      const { result } = await this.connection.request('calibration', { centre: this.measured.centre.map((v) => Number(v.toFixed(2))) });
      this.store.calibration = result.calibration;
      this.store.changed('calibration');
      this.toasts.say('The centre of the pattern is that of the disk.');
    });
  }

  #enable() {
    const { may, reason } = this.store.control;
    allow(this.useCentre, may && Boolean(this.measured), may ? 'There is no disk in the newest pattern' : reason);
  }
}
