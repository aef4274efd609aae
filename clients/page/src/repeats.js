// The passes of a scan with repeats: the fraction of each, and how far the specimen drifted from the first one.

import { element } from './dom.js';
import { intervalInWords, whatCounts } from './headline.js';
import { title } from './products.js';
import { classFigure } from './series_maps.js';
import { driftInWords, percent } from './words.js';

/** Numbers of the passes in which something was measured. */
export function begunPasses(map) {
  return Array.from({ length: map.passes }, (_, i) => i).filter((i) => map.pass(i).measured.includes(1));
}

/** Resolves to [{pass, bragg, drift}], each null where merlind cannot tell. `shift`: the map by which drift is found. */
async function facts(connection, passes, shift) {
  const ask = (cmd, args) => connection.request(cmd, args).then(({ result }) => result, () => null);
  return Promise.all(passes.map(async (pass) => ({
    pass, bragg: await ask('bragg', { pass }), drift: pass > 0 ? await ask('map_drift', { a: shift, pass: 0, pass_b: pass }) : null,
  })));
}

function tableOf(rows, stepNm) {
  const heads = ['Pass', rows[0]?.bragg ? `With reflections, ${whatCounts(rows[0].bragg.headline)}` : 'With reflections', 'Interval', 'Drift since the first, positions'];
  const line = ({ pass, bragg, drift }) => [String(pass + 1), bragg?.headline.fraction == null ? '–' : percent(bragg.headline.fraction),
    bragg ? intervalInWords(bragg.headline.interval) : '–', drift ? driftInWords(drift, stepNm) : '–'];
  return element('table', {}, element('thead', {}, element('tr', {}, ...heads.map((text) => element('th', { scope: 'col' }, text)))),
    element('tbody', {}, ...rows.map((row) => element('tr', {}, ...line(row).map((text, i) => (i ? element('td', {}, text) : element('th', { scope: 'row' }, text)))))));
}

/** The section about the newest scan's passes, or null where it has one only. */
export async function repeatsOf({ store, connection, shiftMap }) {
  const map = store.maps.get('bragg/class') ?? store.maps.get(shiftMap);
  if (!map || map.run !== store.run?.id || map.passes === 1) return null;
  const passes = begunPasses(map);
  const rows = await facts(connection, passes, shiftMap);
  const figures = map.name === 'bragg/class'
    ? passes.map((i) => classFigure(map.pass(i), [map.ny, map.nx], `pass ${i + 1}`, rows[i].bragg?.headline.fraction == null ? '' : percent(rows[i].bragg.headline.fraction))) : [];
  return element('section', { 'aria-label': 'Repeats' }, element('h3', {}, `Repeats of the newest scan; drift by ${title(shiftMap)}`),
    element('div', { class: 'side-by-side' }, ...figures), tableOf(rows, store.calibration?.scan_step_nm?.value));
}
