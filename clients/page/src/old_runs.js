// Old runs: the list of them, and what is different while one is shown in place of the live scan.

import { button, element, setText } from './dom.js';
import { goToLive, goToOldRun, oldRunOf } from './old_run_address.js';
import { dateOf } from './run_card.js';
import { openRunsDialog } from './runs_dialog.js';

const GONE_KEY = 'merlind.gone';
const SOON_MS = 250;
/** Tabs of what an old run has not: a detector. */
const TABS_OF_DETECTOR = ['scan', 'align', 'instrument'];

export class OldRuns {
  #applied = null;
  #timer = 0;

  /** Puts a button into the state bar `bar`, and a line below it while an old run is shown. */
  constructor({ store, connection, toasts, apertures, pattern, side, bar }) {
    Object.assign(this, { store, connection, toasts, apertures, pattern });
    this.file = oldRunOf(location);
    connection.addEventListener('gone', ({ detail }) => this.#gone(detail));
    if (this.file) return this.#show(side, bar);
    bar.root.querySelector('.tools').prepend(button('Recordings', 'Finished recordings, to be looked at again (R)', () => this.list()));
    this.#sayWhatIsGone();
  }

  /** The list is merlind's own: the process that shows an old run does not have it. */
  list() {
    if (this.file) return this.toasts.say('The list of recordings is at the live scan: go back there first (B).');
    return openRunsDialog({ ...this, open: (file) => this.#open(file) });
  }

  /** Back to the live scan, from an old run. */
  back() {
    if (this.file) goToLive();
  }

  async #open(file) {
    const isOpen = (this.store.status?.opened ?? []).some((one) => one.file === file);
    if (!isOpen) await this.connection.request('run_open', { file });
    goToOldRun(file);
  }

  #show(side, bar) {
    document.body.classList.add('old-run');
    this.name = element('span');
    bar.root.append(element('div', { class: 'old-run-line', role: 'note' },
      element('strong', {}, 'Old run'), this.name, element('span', { class: 'muted' }, 'Apertures and reflections are computed again; its file stays as it is.'),
      button('Back to the live scan', 'Back to the live scan (B)', () => this.back(), { class: 'primary' })));
    for (const id of TABS_OF_DETECTOR) document.getElementById(`tab-${id}`).hidden = true;
    if (TABS_OF_DETECTOR.includes(side.chosen.id)) side.open('apertures', { remembered: false });
    this.store.on('run', () => this.#tell());
    this.store.addEventListener('run', () => this.#firstPattern(), { once: true });
    this.apertures.addEventListener('change', () => this.#recomputeSoon());
    this.#tell();
  }

  #tell() {
    setText(this.name, `${this.file.split('/').at(-1)}, ${dateOf(this.store.run?.started) || '…'}`);
    document.title = `${this.file.split('/').at(-1)} – merlind`;
  }

  /** There is no newest pattern; the sum is the first that is worth a look. The live scan is seen as it was before. */
  #firstPattern() {
    if (this.store.run?.patterns.includes('sum')) this.pattern.turnTo('sum', { remembered: false });
  }

  /** An aperture that was moved has no map of what was measured before; here all was. */
  #recomputeSoon() {
    const entries = [...this.apertures.entries.values()];
    const applied = JSON.stringify(entries.map((entry) => entry.applied));
    if (this.#applied === applied || entries.some(({ state }) => state === 'requested')) return;
    const first = this.#applied === null || this.#applied === '[]';
    this.#applied = applied;
    if (first || !this.store.welcome?.may_control) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#recompute(), SOON_MS);
  }

  async #recompute() {
    try {
      await this.connection.request('recompute');
    } catch (error) {
      if (error.code === 'busy') this.#timer = setTimeout(() => this.#recompute(), SOON_MS);
      else if (error.code !== 'no_data') this.toasts.say(error.message, 'bad');
    }
  }

  #gone(why) {
    sessionStorage.setItem(GONE_KEY, `${this.file?.split('/').at(-1) ?? 'The old run'}: ${why}. This is the live scan.`);
    goToLive();
  }

  #sayWhatIsGone() {
    const said = sessionStorage.getItem(GONE_KEY);
    sessionStorage.removeItem(GONE_KEY);
    if (said) this.toasts.say(said, 'bad');
  }
}
