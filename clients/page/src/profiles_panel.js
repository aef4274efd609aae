// Below the images: a profile over k, the chosen map in the order of time, and the fraction with Bragg reflections.

import { AT_CURSOR } from './cursor_profile.js';
import { ALONG_LINE, curveOf, periodInWords } from './line_profile.js';
import { choice, element, setOptions, setText, throttled } from './dom.js';
import { whatCounts } from './headline.js';
import { Plot } from './plot.js';
import { positionOf, title } from './products.js';
import { FractionHistory, inTime, percentWithReflections, thinned } from './series.js';
import { count, percent, shortUnits, value } from './words.js';

const CURVE = 'Curve of the profile';
const MEAN_OF_SCAN = 'radial_mean';
const MOST_POINTS = 1500;
const MOST_GROUPS = 100;
const SIGNAL_EVERY_MS = 400;

/** Events: `watch` (another profile is shown). */
export class ProfilesPanel extends EventTarget {
  constructor({ store, settings, maps, atCursor, alongLine }) {
    super();
    Object.assign(this, { store, settings, maps, atCursor, alongLine });
    this.history = new FractionHistory();
    this.profile = settings.get('profile', null);
    this.log = settings.get('profileLog', true);
    this.#makeProfile();
    this.#makeSignal();
    this.#makeFraction();
    this.root = element('div', { class: 'plots' }, this.profilePlot.root, this.signalPlot.root, this.fractionPlot.root);
    this.#listen();
  }

  get watched() {
    if (this.profile === AT_CURSOR) return [MEAN_OF_SCAN];
    return this.profile && !this.#isLine ? [this.profile] : [];
  }

  get #isLine() {
    return this.profile === ALONG_LINE;
  }

  // Counts over k span decades; along a line they hardly do.
  get #isLog() {
    return this.log && !this.#isLine;
  }

  /** Whether the profile follows the cursor over the maps. */
  get follows() {
    return this.profile === AT_CURSOR;
  }

  restyle() {
    [this.profilePlot, this.signalPlot, this.fractionPlot].forEach((plot) => plot.restyle());
  }

  #makeProfile() {
    this.select = choice('Profile', [], '', (name) => this.#choose(name));
    this.logButton = element('button', {
      type: 'button', class: 'toggle', 'aria-pressed': String(this.log), title: 'Logarithmic scale, of the display only',
      onclick: () => this.#toggleLog(),
    }, 'log');
    this.where = element('output', { class: 'readout' });
    this.profilePlot = new Plot(CURVE, [this.select, this.logButton, this.where], ({ css, axis }) => ({
      scales: { x: { time: false }, y: { distr: this.#isLog ? 3 : 1 } },
      axes: [axis({ label: this.#abscissa().label, size: 28 }), axis({ size: 52, label: this.curveName || undefined, ...(this.#isLog ? { splits: decades, filter: (_, splits) => splits } : {}), values: (_, ticks) => ticks.map(shortNumber) })],
      series: [{}, { stroke: css('--accent'), width: 1.75, points: { show: false } },
        ...(this.profile === AT_CURSOR ? [{ stroke: css('--muted'), width: 1.25, dash: [4, 4], points: { show: false } }] : []),
        ...(this.#isLine ? [0, 1].map(() => ({ stroke: 'transparent', points: { show: false } })) : [])],
      ...(this.#isLine ? { bands: [{ series: [3, 2], fill: `${css('--accent')}33` }] } : {}),
    }));
    this.#showTools();
  }

  #showTools() {
    const none = !this.store.run?.profiles.length && !this.#isLine;
    this.select.hidden = none;
    this.logButton.hidden = none || this.#isLine;
  }

  #makeSignal() {
    this.signalName = element('h2', {}, 'Signal in time');
    this.signalPlot = new Plot('Signal in the order of time', [this.signalName], ({ css, axis }) => ({
      scales: { x: { time: false } },
      axes: [axis({ label: 'pattern', size: 28, values: (_, ticks) => ticks.map(shortNumber) }), axis({ size: 52, values: (_, ticks) => ticks.map(shortNumber) })],
      series: [{}, { stroke: css('--accent-2'), width: 1.25, points: { show: false } }],
    }));
  }

  #makeFraction() {
    this.fractionText = element('output', { class: 'readout' });
    this.fractionName = element('h2', {}, 'Bragg fraction');
    this.fractionPlot = new Plot('Fraction with Bragg reflections as the scan grows', [this.fractionName, this.fractionText], ({ css, axis }) => ({
      scales: { x: { time: false }, y: { range: (_, low, high) => [Math.max(0, low - 3), Math.min(100, high + 3)] } },
      axes: [axis({ label: 'patterns classified', size: 28, values: (_, ticks) => ticks.map(shortNumber) }), axis({ size: 48, values: (_, ticks) => ticks.map((v) => `${v} %`) })],
      series: [{}, ...[0, 1].map(() => ({ stroke: 'transparent', points: { show: false } })), { stroke: css('--accent-3'), width: 2, points: { show: true, size: 5 } }],
      bands: [{ series: [2, 1], fill: css('--band') }],
    }));
  }

  #choose(name) {
    this.profile = name;
    this.settings.set('profile', name);
    this.dispatchEvent(new CustomEvent('watch'));
    this.#turned();
  }

  #turned() {
    this.#showTools();
    this.profilePlot.show(null);
    this.alongLine.follow(this.#isLine);
    this.#showProfile();
  }

  #toggleLog() {
    this.log = !this.log;
    this.settings.set('profileLog', this.log);
    this.logButton.setAttribute('aria-pressed', String(this.log));
    this.#showProfile();
    this.profilePlot.restyle();
  }

  #listen() {
    const { store } = this;
    const signal = throttled(() => this.#showSignal(), SIGNAL_EVERY_MS);
    store.on('profile', (name) => this.watched.includes(name) && this.#showProfile());
    this.atCursor.addEventListener('change', () => this.profile === AT_CURSOR && this.#showProfile());
    this.alongLine.addEventListener('change', () => this.#isLine && this.#showProfile());
    this.maps.addEventListener('line', () => {
      this.select.value = ALONG_LINE;
      this.#choose(ALONG_LINE);
    });
    store.on('map', (name) => name === this.maps.chosen?.source && signal());
    store.on('run', () => this.#runChanged());
    store.on('calibration', () => {
      this.#showProfile();
      this.profilePlot.restyle();
    });
    store.on('pass', signal);
    store.on('bragg', () => this.#showFraction());
    store.on('run', () => !store.bragg && this.#showFraction());
    // What the viewer turns to is told at once: half a second of the signal of another map would be taken for this one's.
    for (const type of ['chosen', 'watch']) this.maps.addEventListener(type, () => this.#showSignal());
    this.#turned();
    this.#showSignal();
    this.#showFraction();
  }

  #runChanged() {
    const { run } = this.store;
    const names = run?.profiles ?? [];
    if (names.length && ![AT_CURSOR, ALONG_LINE].includes(this.profile) && !names.includes(this.profile)) {
      this.profile = names.find((name) => /radial|mean|intensity/.test(name)) ?? names[0];
      this.dispatchEvent(new CustomEvent('watch'));
    }
    setOptions(this.select, [...names.map((name) => [name, title(name)]), [AT_CURSOR, 'radial, at the cursor'], [ALONG_LINE, 'along a line']], this.profile);
    this.#showTools();
    if (run?.id !== this.run) {
      this.run = run?.id;
      this.atCursor.forget();
      this.alongLine.forget();
      this.#showProfile();
      this.#showSignal();
    }
  }

  #abscissa() {
    if (this.#isLine) return { label: `distance (${positionOf(this.store.calibration).name})` };
    const k = this.store.calibration?.pixel_size_k?.value;
    return k ? { size: k, label: 'k (nm⁻¹)' } : { size: 1, label: 'radius (pixels)' };
  }

  #ofRun(name) {
    const profile = this.store.profiles.get(name);
    return profile && profile.run === this.store.run?.id ? profile.data : null;
  }

  // What a logarithmic axis cannot show is a gap.
  #ordinate(data, n = data.length) {
    return Array.from({ length: n }, (_, i) => (Number.isFinite(data[i]) && (!this.log || data[i] > 0) ? data[i] : null));
  }

  #showProfile() {
    setText(this.where, '');
    this.where.title = '';
    if (this.#isLine) return this.#showAlongLine();
    this.#nameCurve(shortUnits(this.store.profiles.get(this.watched[0])?.units ?? ''));
    if (this.profile === AT_CURSOR) return this.#showAtCursor();
    const data = this.#ofRun(this.profile);
    if (!data) return this.profilePlot.show(null, 'no profile yet');
    this.profilePlot.show([this.#radii(data.length), this.#ordinate(data)]);
  }

  // Beside the mean of the whole scan, which tells what is unusual about this place.
  #showAtCursor() {
    const { shown } = this.atCursor;
    setText(this.where, shown?.where ?? '');
    if (!shown?.data) return this.profilePlot.show(null, shown?.why ?? 'move the cursor over a map');
    const n = shown.data.length;
    this.profilePlot.show([this.#radii(n), this.#ordinate(shown.data), this.#ordinate(this.#ofRun(MEAN_OF_SCAN) ?? [], n)]);
  }

  #showAlongLine() {
    const { result, arrays, why = 'no profile yet' } = this.alongLine.shown ?? {};
    if (!result) return this.profilePlot.show(null, why);
    const step = positionOf(this.store.calibration);
    setText(this.where, periodInWords(result, step));
    this.where.title = result.detail;
    this.#nameCurve(`${title(result.name)}${result.units ? ` (${shortUnits(result.units)})` : ''}`);
    this.profilePlot.show(curveOf(result, arrays, step.size));
  }

  // On the axis: units, and of a line also which map.
  #nameCurve(name) {
    if (this.curveName === name) return;
    this.curveName = name;
    this.profilePlot.place.setAttribute('aria-label', this.#isLine ? `${name} along the line` : CURVE);
    this.profilePlot.restyle();
  }

  #radii(n) {
    const { size } = this.#abscissa();
    return Array.from({ length: n }, (_, i) => i * size);
  }

  #showSignal() {
    const panel = this.maps.chosen;
    const map = panel?.map;
    const classes = panel?.display.kind === 'classes';
    setText(this.signalName, classes ? '% with reflections in time' : panel?.source ? `${title(panel.source)} in time${map?.units ? `, ${shortUnits(map.units)}` : ''}` : 'Signal in time');
    if (!map) return this.signalPlot.show(null, 'no signal yet');
    const pass = map.pass(this.store.passOf(map));
    const signal = inTime(classes ? percentWithReflections(pass) : pass, map.ny, map.nx, this.store.run.geometry?.order);
    const { at, values } = thinned(signal, classes ? MOST_GROUPS : MOST_POINTS);
    this.signalPlot.show(values.length > 1 ? [at, values] : null, 'no signal yet');
  }

  #showFraction() {
    const { bragg } = this.store;
    if (bragg) this.history.add(bragg);
    const points = bragg ? this.history.points : [];
    const headline = bragg?.headline?.fraction == null ? null : bragg.headline;
    setText(this.fractionText, headline ? `${percent(headline.fraction)}  (${headline.interval.map((v) => (100 * v).toFixed(1)).join('–')} %)` : '');
    this.fractionText.title = headline ? `Of patterns with reflections of ${whatCounts(headline)}, ${Math.round(100 * bragg.confidence)} % interval` : '';
    setText(this.fractionName, bragg?.provisional ? 'Bragg, provisional' : 'Bragg fraction');
    const columns = ['low', 'high', 'fraction'].map((key) => points.map((point) => 100 * point[key]));
    this.fractionPlot.show(points.length ? [points.map(({ n }) => n), ...columns] : null, fractionMissing(this.store.run));
  }
}

function fractionMissing(run) {
  if (!run) return 'no scan yet';
  return run.bragg && run.bragg.state !== 'refused' ? 'nothing classified yet' : 'Bragg reflections are not looked for';
}

// Powers of ten only: lines for all that lies between would be a grey area.
function decades(_, __, low, high) {
  const [from, to] = [Math.ceil(Math.log10(low)), Math.floor(Math.log10(high))];
  const step = Math.max(1, Math.ceil((to - from) / 5));
  return Array.from({ length: Math.max(0, Math.floor((to - from) / step) + 1) }, (_unused, i) => 10 ** (from + i * step));
}

function shortNumber(v) {
  if (v === null) return '';
  if (Math.abs(v) >= 1e9) return v.toExponential(0).replace('e+', 'e');
  if (Math.abs(v) >= 1e6) return `${Number((v / 1e6).toPrecision(3))}M`;
  if (Math.abs(v) >= 10000) return `${Number((v / 1000).toPrecision(4))}k`;
  return Math.abs(v) < 0.001 && v !== 0 ? v.toExponential(0) : Number.isInteger(v) ? count(v) : value(v).replace(/\.?0+$/, '');
}
