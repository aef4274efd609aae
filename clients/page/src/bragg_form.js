// Bragg reflections: the table of classes, and the settings with which they are looked for.

import { CLASSES } from './colours.js';
import { allowAll } from './control.js';
import { button, element, field, setText } from './dom.js';
import { foundInWords, intervalInWords, whatCounts } from './headline.js';
import { openSeries } from './series_page.js';
import { inOperatorsWords } from './wording.js';
import { count, percent } from './words.js';

const STATES = {
  refused: 'No reflections are looked for', frozen: 'Compared with a kept reference: classes are final as they come.',
  provisional: 'Provisional: the run is still learning what the glass looks like.', final: 'Final: all patterns were compared with the whole run.',
};

export class BraggForm {
  /** `blind()`: begins blind labels; `compare`: the form below the table; `layer`: a SearchLayer; `redraw()`: of the pattern; `shiftMap()`: by which map drift is found. */
  constructor({ store, connection, toasts, blind, compare, layer, redraw, shiftMap }) {
    Object.assign(this, { store, connection, toasts, compare, layer, redraw, open: false });
    this.state = element('p', { class: 'muted' });
    this.table = element('table', { class: 'bragg-table' });
    this.enabled = element('input', { type: 'checkbox', class: 'steer' });
    const number = (label, unit) => field(label, { type: 'number', step: 'any', class: 'steer' }, unit);
    this.fields = {
      'annulus.0': number('Ring, inner', 'px'), 'annulus.1': number('Ring, outer', 'px'), disk_radius: number('Disk radius', 'px'),
      'centre.0': number('Centre y', 'px'), 'centre.1': number('Centre x', 'px'), alpha: number('False alarms', ''), contrast_min: number('Least contrast', ''),
    };
    this.apply = button('Apply', 'Search with these settings from now on; a finished scan is searched again', () => this.#apply(), { class: 'steer primary' });
    this.series = button('Series', 'Fraction of all scans that have a label, such as strain', () => openSeries({ store, connection, toasts, shiftMap }));
    this.blind = button('Label blind', 'Judge fifty patterns yourself, without seeing the answer, and compare', blind);
    this.propose = button('Propose', 'Settings from the sum pattern of this scan; nothing is changed until you apply', () => this.#propose(), { class: 'steer' });
    this.hint = element('p', { class: 'hint', role: 'status' });
    const f = this.fields;
    Object.values(f).forEach(({ input }) => input.addEventListener('input', () => this.#draw()));
    this.root = element('div', {},
      this.state, this.table, element('div', { class: 'buttons' }, this.series, this.blind), compare.root, element('h3', {}, 'Search'),
      element('label', { class: 'check' }, this.enabled, 'Look for reflections in every pattern'),
      element('div', { class: 'form' },
        element('div', { class: 'pair' }, f['annulus.0'], f['annulus.1']), element('div', { class: 'pair' }, f['centre.0'], f['centre.1']),
        element('div', { class: 'pair' }, f.disk_radius, f.alpha), f.contrast_min, this.hint,
        element('div', { class: 'buttons' }, this.propose, this.apply)));
    store.on('bragg run', () => this.#show());
    store.on('control', () => this.#enable());
    this.#show();
    this.#enable();
  }

  async shown() {
    this.open = true;
    this.compare.shown();
    this.#draw();
    await this.toasts.attempt(async () => {
      if (!this.connection.connected) return;
      const { result } = await this.connection.request('bragg_settings');
      this.#took(result.settings);
    });
  }

  left() {
    this.open = false;
    this.compare.left();
    this.#draw();
  }

  // What is typed is drawn on the pattern at once, so that one sees what it would do before it is applied.
  #draw() {
    const settings = { centre: this.#pair('centre'), annulus: this.#pair('annulus'), disk_radius: this.#number('disk_radius') };
    const same = (key) => !this.inForce || JSON.stringify(settings[key]) === JSON.stringify(this.inForce[key] ?? null);
    this.layer.settings = this.open ? settings : null;
    this.layer.applied = Object.keys(settings).every(same);
    setText(this.hint, this.layer.applied ? '' : 'Dashed on the pattern: not applied yet.');
    this.redraw();
  }

  // What is in force, as the form writes it.
  #took(settings) {
    this.#fill(settings);
    this.inForce = { centre: this.#pair('centre'), annulus: this.#pair('annulus'), disk_radius: this.#number('disk_radius') };
    this.#draw();
  }

  #fill(settings) {
    if ('enabled' in settings) this.enabled.checked = Boolean(settings.enabled);
    for (const [path, { input }] of Object.entries(this.fields)) {
      const [key, index] = path.split('.');
      if (!(key in settings)) continue;
      const value = index === undefined ? settings[key] : settings[key]?.[Number(index)];
      input.value = value === null || value === undefined ? '' : Number(Number(value).toFixed(4));
    }
  }

  // A recorded scan that is finished can be searched again.
  get #over() {
    const { run } = this.store;
    return run?.state === 'finished' && Boolean(run.file);
  }

  #pair(key) {
    const values = [0, 1].map((i) => this.fields[`${key}.${i}`].input.value);
    return values.includes('') ? null : values.map(Number);
  }

  #number(key) {
    const { value } = this.fields[key].input;
    return value === '' ? null : Number(value);
  }

  #apply() {
    return this.toasts.attempt(async () => {
      const { result } = await this.connection.request('bragg_settings', {
        ...(this.#over ? { again: true } : {}), enabled: this.enabled.checked, annulus: this.#pair('annulus'), centre: this.#pair('centre'),
        disk_radius: this.#number('disk_radius'), alpha: this.#number('alpha'), contrast_min: this.#number('contrast_min'),
      });
      this.#took(result.settings);
      if (result.again === false) this.toasts.say(`The next scan is searched with these settings. This one is not: ${result.why_not}.`, 'warn');
      else if (result.again) this.toasts.say('This scan is being searched again, and all that follow are, with these settings.');
      else this.toasts.say('Bragg reflections are looked for with these settings from now on.');
    });
  }

  #propose() {
    return this.toasts.attempt(async () => {
      const { result } = await this.connection.request('bragg_propose');
      this.#fill(result.settings);
      this.#draw();
      result.warnings.forEach((warning) => this.toasts.say(inOperatorsWords(warning), 'warn'));
      this.toasts.say('Proposed from the sum pattern. Apply to use it.');
    });
  }

  #enable() {
    allowAll(this.root, this.store.control);
  }

  #show() {
    const { run, bragg } = this.store;
    const state = run?.bragg;
    setText(this.state, state ? `${STATES[state.state] ?? state.state}${state.error ? `: ${inOperatorsWords(state.error)}` : ''}` : 'No reflections are looked for in this scan.');
    this.table.hidden = !bragg;
    if (bragg) this.table.replaceChildren(...braggRows(bragg));
    this.blind.disabled = !bragg || !run?.file || run.state !== 'finished';
  }
}

/** Rows of a table of classes, with the fraction to quote, its interval, and how often what it counts is found. */
export function braggRows(bragg) {
  const film = CLASSES.filter(({ value }) => value < 254);
  const rows = film.map(({ key, name, css }) => {
    const chip = element('i', { class: 'chip', 'aria-hidden': 'true' });
    chip.style.background = css;
    return element('tr', {}, element('th', { scope: 'row' }, chip, name), element('td', {}, count(bragg[key])),
      element('td', {}, bragg.n > 0 ? percent(bragg[key] / bragg.n) : '–'));
  });
  const { headline } = bragg;
  const part = (fraction) => (fraction === null ? '–' : percent(fraction));
  const line = (name, n, fraction) => element('tr', {}, element('th', { scope: 'row' }, name), element('td', {}, count(n)), element('td', {}, part(fraction)));
  const remark = (text) => element('tr', {}, element('th', { scope: 'row', colspan: '3', class: 'interval' }, text));
  return [
    element('thead', {}, element('tr', {}, element('th', { scope: 'col' }, 'Class'), element('th', { scope: 'col' }, 'Patterns'), element('th', { scope: 'col' }, 'Part'))),
    element('tbody', {}, ...rows),
    element('tfoot', {}, line('With reflections', bragg.n - bragg.none, bragg.fraction), line(`To quote: ${whatCounts(headline)}`, headline.count, headline.fraction),
      remark(`${Math.round(100 * bragg.confidence)} % interval: ${intervalInWords(headline.interval)}`), remark(`${foundInWords(headline)}.`)),
  ];
}
