// The fraction with reflections by region and by phase: regions are drawn on a map, a phase is the bright part of one.

import { allow } from './control.js';
import { button, choice, element, setOptions, setText, throttled } from './dom.js';
import { title } from './products.js';
import { spansOf } from './regions.js';
import { count, percent } from './words.js';

const EVERY_MS = 2000;
const MOST_REGIONS = 9;
const RULES = [['half', 'half range'], ['median', 'median'], ['otsu', 'Otsu']];

/** What the request `bragg` wants of regions: {regions: spans of those that lie in the scan, numbers: of these}. */
export function askedRegions(regions, scan) {
  const asked = regions.map((region, i) => [spansOf(region, scan), i + 1]).filter(([spans]) => spans.length > 0);
  return { regions: asked.map(([spans]) => spans), numbers: asked.map(([, number]) => number) };
}

const part = (fraction) => (fraction === null || fraction === undefined ? '–' : percent(fraction));
const interval = (limits) => (limits ? limits.map((v) => (100 * v).toFixed(1)).join('–') : '');

/** Rows of the table, [name, patterns, with reflections, fraction, interval]; `numbers`: of the regions. */
export function compareRows({ areas = [], phase }, numbers) {
  const rows = areas.map(({ label, n, none, fraction, wilson }) => [`Region ${numbers[label - 1]}`, count(n), count(n - none), part(fraction), interval(wilson)]);
  if (phase) {
    for (const [name, [found, without], fraction] of [['In the phase', phase.table[0], phase.fraction_in], ['Outside', phase.table[1], phase.fraction_outside]]) {
      rows.push([name, count(found + without), count(found), part(fraction), '']);
    }
  }
  return rows;
}

/** The test of the phase in a sentence, and of how neighbours being alike is allowed for. */
export function phaseInWords(phase) {
  const ratio = phase.odds_ratio === null ? '' : `Odds ratio ${phase.odds_ratio.toFixed(2)}${phase.odds_ratio_interval[1] === null ? '' : ` (${phase.odds_ratio_interval.map((v) => v?.toFixed(2) ?? '–').join('–')})`}; `;
  const shifted = phase.shifts > 0 ? `p = ${phase.p_toroidal.toPrecision(2)} by shifts of one map against the other` : 'the scan is too small for the test by shifts';
  return `${ratio}${shifted}; ${phase.test === 'fisher' ? 'Fisher' : 'χ²'} p = ${phase.p.toPrecision(2)}, as if patterns were independent.`;
}

export class CompareForm {
  /** What is shown, for the printed page. */
  shownAs = { rows: [], text: '' };

  constructor({ store, connection, toasts, maps }) {
    Object.assign(this, { store, connection, toasts, maps, open: false });
    this.map = choice('Phase: bright in', [], '', () => this.#ask());
    this.rule = choice('Phase: above', RULES, 'half', () => this.#ask());
    this.add = button('Add drawn area', 'Draw an area on a map first (▭ ◯ ✎ below the maps); it becomes a region', () => this.#addArea());
    this.clear = button('Clear', 'Forget the regions', () => this.#setRegions([]));
    this.exclude = button('Not film', 'The area drawn on a map is vacuum, a hole or the cap: it counts in nothing', () => this.#exclude(), { class: 'steer' });
    this.include = button('All is film', 'Nothing that was drawn is left out any more', () => this.#setExcluded([]), { class: 'steer' });
    this.leftOut = element('p', { class: 'muted' });
    this.table = element('table', { class: 'compare-table' });
    this.told = element('p', { class: 'muted', role: 'status' });
    this.root = element('section', { class: 'form', 'aria-label': 'Compare' }, element('h3', {}, 'Regions and phases'),
      element('div', { class: 'buttons' }, this.add, this.clear, this.exclude, this.include), this.leftOut,
      element('div', { class: 'pair' }, labelled('Phase: bright in', this.map), labelled('above', this.rule)), this.table, this.told);
    const later = throttled(() => this.open && this.#ask(), EVERY_MS);
    store.on('bragg', later);
    store.on('bragg run', () => this.#showExcluded());
    store.on('run', () => this.#show());
    maps.addEventListener('area', () => this.#show());
    this.#show();
  }

  shown() {
    this.open = true;
    this.#show();
    if (this.store.bragg) this.#ask();
  }

  left() {
    this.open = false;
  }

  get #regions() {
    return this.maps.marks.regions;
  }

  #addArea() {
    const { marks } = this.maps;
    const { area } = marks;
    marks.area = null;
    this.#setRegions([...this.#regions, area]);
  }

  #setRegions(regions) {
    this.maps.marks.regions = regions;
    this.maps.redraw();
    this.#show();
    this.#ask();
  }

  get #excluded() {
    const { run, bragg } = this.store;
    return bragg && bragg.run === run?.id ? bragg.excluded_regions ?? [] : [];
  }

  #exclude() {
    const { marks } = this.maps;
    const { area } = marks;
    marks.area = null;
    return this.#setExcluded([...this.#excluded, spansOf(area, this.store.run.geometry.scan)]);
  }

  #setExcluded(regions) {
    return this.toasts.attempt(async () => {
      const { result } = await this.connection.request('bragg_excluded', { regions });
      const { bragg } = this.store;
      if (bragg?.run === result.run) bragg.excluded_regions = result.regions;
      this.#showExcluded();
    });
  }

  // On all maps, and in words.
  #showExcluded() {
    const regions = this.#excluded;
    const { marks } = this.maps;
    if (JSON.stringify(regions.flat()) !== JSON.stringify(marks.excluded)) {
      marks.excluded = regions.flat();
      this.maps.redraw();
    }
    const several = regions.length === 1 ? '1 drawn region is' : `${regions.length} drawn regions are`;
    setText(this.leftOut, regions.length ? `${several} no part of the film and count in nothing.` : '');
    this.#show();
  }

  #show() {
    const { run } = this.store;
    const names = (run?.maps ?? []).filter((name) => !name.startsWith('bragg/'));
    setOptions(this.map, [['', 'no phase'], ...names.map((name) => [name, title(name)])], names.includes(this.map.value) ? this.map.value : '');
    const { marks } = this.maps;
    allow(this.add, Boolean(marks.area) && marks.regions.length < MOST_REGIONS, 'Draw an area on a map first (▭ ◯ ✎ below the maps)');
    this.clear.hidden = marks.regions.length === 0;
    this.exclude.hidden = !marks.area || !this.store.bragg;
    this.include.hidden = marks.excluded.length === 0;
    this.rule.disabled = !this.map.value;
  }

  async #ask() {
    this.#show();
    const scan = this.store.run?.geometry?.scan;
    const { regions, numbers } = scan ? askedRegions(this.#regions, scan) : { regions: [], numbers: [] };
    const asked = { ...(regions.length ? { regions } : {}), ...(this.map.value ? { phase: { map: this.map.value, threshold: this.rule.value } } : {}) };
    if (!Object.keys(asked).length || !this.store.run?.bragg) return this.#tell([], '');
    if (this.store.pass !== null) asked.pass = this.store.pass;
    try {
      const { result } = await this.connection.request('bragg', asked);
      this.#tell(compareRows(result, numbers), result.phase ? phaseInWords(result.phase) : '', result.phase ? `Phase: bright in ${title(this.map.value)}, above ${new Map(RULES).get(this.rule.value)}. ` : '');
    } catch (error) {
      this.#tell([], error.message);
    }
  }

  #tell(rows, text, which = '') {
    this.shownAs = { rows, text: which + text };
    this.table.hidden = rows.length === 0;
    this.table.replaceChildren(...compareTable(rows));
    setText(this.told, text);
  }
}

/** Children of a table of such rows. */
export function compareTable(rows) {
  const heads = ['Patterns', 'With', 'Part'].map((head) => element('th', { scope: 'col' }, head));
  return [element('thead', {}, element('tr', {}, element('td'), ...heads)),
    element('tbody', {}, ...rows.map(([name, n, found, fraction, limits]) => element('tr', {}, element('th', { scope: 'row' }, name),
      ...[n, found].map((cell) => element('td', {}, cell)), element('td', {}, fraction, limits ? element('small', {}, limits) : null))))];
}

const labelled = (text, control) => element('label', { class: 'field' }, element('span', {}, text), control);
