// The fraction with Bragg reflections against a label of the scans, such as strain: all scans since merlind began, their
// maps of classes side by side, and the repeats of the newest.

import { button, dialog, element, field } from './dom.js';
import { saveFigure } from './figure.js';
import { foundInWords, intervalInWords, whatCounts } from './headline.js';
import { passesOf } from './map_data.js';
import { repeatsOf } from './repeats.js';
import { classFigure, MOST_SCANS } from './series_maps.js';
import { plotFigure, plotOf, withGrowing } from './series_plot.js';
import { count, percent } from './words.js';

const GROWING_EVERY_MS = 2500;

function tableOf({ label, rows }) {
  const heads = [label, 'Scans', 'Patterns', 'To quote', 'Interval', 'Of reflections of', 'How sure', 'Beware'].map((text) => element('th', { scope: 'col' }, text));
  const line = ({ value, scans, n, headline, flags }) => element('tr', {}, element('th', { scope: 'row' }, value),
    ...[count(scans), count(n), headline.fraction === null ? '–' : percent(headline.fraction), intervalInWords(headline.interval), whatCounts(headline), foundInWords(headline),
      flags.join(', ') || '–'].map((text) => element('td', {}, text)));
  return element('table', { class: 'series-table' }, element('thead', {}, element('tr', {}, ...heads)), element('tbody', {}, ...rows.map(line)));
}

/** The scan that goes on, as a row of the series with this label, or null. */
function growingRow({ run, bragg }, label) {
  const value = run?.labels?.[label];
  if (value === undefined || run.state === 'finished' || !bragg || bragg.run !== run.id || bragg.headline.fraction === null) return null;
  return { value: String(value), fraction: bragg.headline.fraction, interval: bragg.headline.interval, growing: true };
}

class SeriesPage {
  #shown = 0;
  #series = null;
  #figures = new Map();

  constructor({ store, connection, toasts, shiftMap }) {
    Object.assign(this, { store, connection, toasts, shiftMap });
    const first = Object.keys(store.run?.labels ?? {})[0] ?? 'strain';
    this.label = field('Label', { type: 'text', value: first, onchange: () => this.load() });
    this.plot = element('div', {});
    this.table = element('div', {});
    this.maps = element('div', { class: 'side-by-side' });
    this.repeats = element('div', {});
    this.save = button('Figure', 'The plot for a talk: SVG and PNG', () => this.#saveFigure());
    const page = dialog({ class: 'series', 'aria-label': 'Series' },
      element('h2', {}, 'Scans of this series'), this.label, this.plot, this.table, this.maps, this.repeats,
      element('div', { class: 'buttons' }, element('span', { class: 'muted' }, 'Scans get labels in the tab Scan, such as strain = 8.'), this.save, button('Close', 'Close', () => page.close(), { class: 'primary' })));
    const stop = store.on('run bragg', (_, type) => this.#changed(type));
    page.addEventListener('close', stop);
    this.run = store.run?.id;
  }

  /** Makes it anew. */
  async load() {
    const turn = ++this.#shown;
    await this.toasts.attempt(async () => {
      const { result } = await this.connection.request('bragg_series', { label: this.label.input.value.trim() });
      if (turn !== this.#shown) return;
      this.#series = result.series;
      this.#show();
      this.repeats.replaceChildren(...[await repeatsOf({ store: this.store, connection: this.connection, shiftMap: this.shiftMap() })].filter(Boolean));
      await this.#showMaps(turn);
    });
  }

  #show() {
    const series = this.#series;
    const rows = withGrowing(series.rows.map(({ value, headline }) => ({ value, ...headline })), growingRow(this.store, series.label));
    const nothing = element('p', { class: 'muted' }, 'No scan has this label.');
    this.save.disabled = rows.length === 0;
    this.plot.replaceChildren(rows.length ? plotOf(series.label, rows) : nothing);
    this.table.replaceChildren(...(series.rows.length ? [tableOf(series)] : []), ...series.warnings.map((text) => element('p', { class: 'muted' }, text)));
  }

  // A scan whose maps are no longer in merlind's memory has no picture here.
  async #figureOf({ name: run, value, fraction: ofAny, contrast }) {
    const { fraction } = contrast ?? { fraction: ofAny }; // as in the table
    if (!this.#figures.has(run)) {
      const arrays = await this.connection.request('map', { name: 'bragg/class', run }).then((reply) => reply.arrays, () => null);
      if (!arrays) return [];
      const passes = passesOf(arrays);
      this.#figures.set(run, passes.map((pass, i) => classFigure(pass, pass.shape, value, `${fraction === null ? '' : percent(fraction)}${passes.length > 1 ? ` in all, pass ${i + 1}` : ''}`)));
    }
    return this.#figures.get(run);
  }

  async #showMaps(turn) {
    const figures = await Promise.all(this.#series.scans.slice(-MOST_SCANS).map((scan) => this.#figureOf(scan)));
    if (turn === this.#shown) this.maps.replaceChildren(...figures.flat());
  }

  #changed(type) {
    const { run } = this.store;
    if (type === 'bragg' && this.#series && performance.now() - (this.growingAt ?? -Infinity) > GROWING_EVERY_MS) {
      this.growingAt = performance.now();
      this.#show();
    }
    if (run?.state !== 'finished' || run.id === this.run) return;
    this.run = run.id;
    this.load();
  }

  #saveFigure() {
    return this.toasts.attempt(async () => {
      const name = await saveFigure('series', plotFigure(this.plot.querySelector('svg')));
      this.toasts.say(`Saved ${name}.svg and .png`);
    });
  }
}

/** Opens the page; while it is open it follows the scan that goes on. `shiftMap()`: name of the map for drift. */
export const openSeries = (parts) => new SeriesPage(parts).load();
