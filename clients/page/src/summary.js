// One page about a scan, to be printed or kept as PDF: how it went, its maps, its pattern and its Bragg table.

import { braggRows } from './bragg_form.js';
import { compareTable, phaseInWords } from './compare_form.js';
import { button, dialog, element } from './dom.js';
import { title } from './products.js';
import { runFacts } from './scan_form.js';
import { pictureOf } from './snapshot.js';
import { bytes, count, stateInWords } from './words.js';

function figure(display, caption) {
  const { limits, colours, scale } = display.shownAs;
  const how = limits ? `${colours}, ${scale}, ${limits.map((v) => Number(v.toPrecision(4))).join(' to ')} ${display.image.units}` : 'classes';
  return element('figure', {}, pictureOf(display.view), element('figcaption', {}, element('b', {}, caption), ` ${how}`));
}

function countsOf({ frames, recording }) {
  return [
    ['Received', count(frames.received)], ['In the scan', count(frames.placed)], ['Recorded', count(frames.recorded)], ['Analysed', count(frames.analysed)],
    ['Lost', count(frames.lost)], ['Saturated', count(frames.saturated)], ['Held up', count(frames.stalled)],
    ['On disk', `${bytes(recording.bytes_written)} of ${bytes(recording.bytes_raw)}`],
  ];
}

const list = (pairs) => element('dl', { class: 'facts' }, ...pairs.flatMap(([name, text]) => [element('dt', {}, name), element('dd', {}, text)]));

// Regions and phase as they are in the tab Bragg; else the phase of the run's own statistics.
function comparison({ rows, text }, bragg) {
  if (rows.length) return element('div', { class: 'summary-compared' }, element('table', { class: 'compare-table' }, ...compareTable(rows)), element('p', {}, text));
  return bragg?.phase ? element('p', {}, phaseInWords(bragg.phase)) : null;
}

/** Opens the page over everything else. `compared`: {rows, text} of regions and phase, as they are shown. */
export function openSummary({ store, maps, pattern, compared }) {
  const { run, bragg, status } = store;
  if (!run) return;
  const { word, text } = stateInWords(status);
  const started = run.started ? new Date(run.started[0] * 1000).toLocaleString('en-GB') : 'not begun';
  const figures = maps.shown.filter((panel) => panel.display.image).map((panel) => figure(panel.display, title(panel.product)));
  if (pattern.display.image) figures.push(figure(pattern.display, `Pattern: ${pattern.caption}`));
  const page = dialog({ class: 'summary', 'aria-label': 'Summary of the scan' },
    element('div', { class: 'summary-tools' }, button('Print', 'Print, or keep as PDF', () => window.print(), { class: 'primary' }), button('Close', 'Close', () => page.close())),
    element('h2', {}, run.file ? run.file.split('/').at(-1) : 'Scan'),
    element('p', {}, `${started}. ${word[0].toUpperCase()}${word.slice(1)}${text}. Run ${run.id}.`),
    element('div', { class: 'summary-columns' }, list(runFacts(run)), list(countsOf(run)), bragg ? element('table', { class: 'bragg-table' }, ...braggRows(bragg)) : null),
    comparison(compared, bragg),
    element('div', { class: 'figures' }, ...figures));
}
