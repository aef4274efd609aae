// Puts the page together.

import { AlignForm } from './align_form.js';
import { ApertureList } from './aperture_list.js';
import { AperturesForm } from './apertures_form.js';
import { BlindLabels, choosePositions } from './blind_labels.js';
import { BraggForm } from './bragg_form.js';
import { CompareForm } from './compare_form.js';
import { Control } from './control.js';
import { openControl } from './control_dialog.js';
import { Connection } from './connection.js';
import { CursorProfile } from './cursor_profile.js';
import { element } from './dom.js';
import { figureOf, saveFigure } from './figure.js';
import { InstrumentForm } from './instrument_form.js';
import { listenForKeys, openHelp } from './keys.js';
import { LateData } from './late_data.js';
import { LineProfile } from './line_profile.js';
import { oldRunOf } from './old_run_address.js';
import { OldRuns } from './old_runs.js';
import { MapsPanel } from './maps_panel.js';
import { openNote } from './note_dialog.js';
import { PatternPanel } from './pattern_panel.js';
import { firstMaps, title } from './products.js';
import { ProfilesPanel } from './profiles_panel.js';
import { RegionPatterns } from './region_pattern.js';
import { regionInWords } from './regions.js';
import { ScanForm } from './scan_form.js';
import { SearchLayer } from './search_layer.js';
import { Settings } from './settings.js';
import { Side } from './side.js';
import { saveSnapshot } from './snapshot.js';
import { StateBar } from './state_bar.js';
import { Store } from './store.js';
import { openSummary } from './summary.js';
import { setTheme, toggleTheme } from './theme.js';
import { Toasts } from './toasts.js';
import { takeToken } from './token.js';
import { inOperatorsWords } from './wording.js';

const RATE_HZ = 20; // more than merlind publishes: it decides
const BLIND_PATTERNS = 50;

const settings = new Settings();
setTheme(settings.get('theme', 'dark'));

const store = new Store();
const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
const connection = new Connection(`${scheme}://${location.host}/ws`, { token: takeToken() ?? undefined, name: 'page', run: oldRunOf(location) ?? undefined });
const toasts = new Toasts();
const apertures = new ApertureList(connection);
const regions = new RegionPatterns(connection);
const control = new Control({ store, connection });
const mayControl = () => store.control.may;

const late = new LateData(store, connection, toasts);
const maps = new MapsPanel(store, settings);
const pattern = new PatternPanel({ store, settings, apertures, mayControl });
const atCursor = new CursorProfile(connection, () => frame().centre);
const alongLine = new LineProfile({ connection, store, maps, passNumber });
const profiles = new ProfilesPanel({ store, settings, maps, atCursor, alongLine });
const scan = new ScanForm({ store, settings, connection, toasts });
const aperturesForm = new AperturesForm({ store, connection, toasts, apertures, frame });
const search = new SearchLayer(() => frame().centre);
pattern.display.view.layers.push(search);
const compare = new CompareForm({ store, connection, toasts, maps });
const bragg = new BraggForm({ store, connection, toasts, blind, compare, layer: search, redraw: () => pattern.display.view.redraw(), shiftMap });
const align = new AlignForm({ store, connection, toasts });
const instrument = new InstrumentForm({ store, connection, toasts, toPattern: () => pattern.display.view.over.focus() });
const side = new Side([
  { id: 'scan', title: 'Scan', root: scan.root },
  { id: 'apertures', title: 'Apertures', root: aperturesForm.root },
  { id: 'bragg', title: 'Bragg', root: bragg.root, shown: () => bragg.shown(), left: () => bragg.left() },
  { id: 'align', title: 'Align', root: align.root, shown: () => alignShown(), left: () => align.left() },
  { id: 'instrument', title: 'Instrument', root: instrument.root, shown: () => instrument.shown() },
], settings, store, steer);
const bar = new StateBar(store, {
  stop: () => toasts.attempt(() => connection.request('stop')), tooShort: () => toasts.say('Hold Stop down until it is full: a short press stops nothing.'), summary,
  help: () => openHelp(bindings), theme, control: steer, note, pause,
}, () => maps.chosen?.time ?? null);

document.getElementById('page').append(bar.root, element('main', {}, element('div', { class: 'images' }, maps.root, pattern.root), profiles.root), side.root);
document.body.append(toasts.root);
const oldRuns = new OldRuns({ store, connection, toasts, apertures, pattern, side, bar });

/** Shape of the patterns, their middle, and their centre as far as it is known. */
function frame() {
  const shape = pattern.display.image?.shape ?? store.run?.image ?? [256, 256];
  const middle = shape.map((n) => (n - 1) / 2);
  return { shape, middle, centre: store.calibration?.centre?.value ?? middle };
}

function steer() {
  openControl({ store, control, settings, toasts });
}

function note() {
  if (store.control.may) openNote({ store, connection, settings, toasts });
  else toasts.say(store.control.reason);
}

function summary() {
  openSummary({ store, maps, pattern, compared: compare.shownAs });
}

function pause() {
  store.pause(!store.paused);
}

/** The map by which drift is found: the chosen one, unless it is of Bragg reflections. */
function shiftMap() {
  const chosen = maps.chosen.source ?? '';
  return chosen && !chosen.startsWith('bragg/') ? chosen : firstMaps(store.run?.maps ?? [], 1)[0] ?? '';
}

function theme() {
  settings.set('theme', toggleTheme());
  profiles.restyle();
  for (const display of [...maps.panels.map((panel) => panel.display), pattern.display]) display.view.redraw();
}

function alignShown() {
  align.shown();
  watch();
}

/** Fifty patterns of the newest run, for a person to judge. */
function blind() {
  const map = store.maps.get('bragg/class');
  if (!map || map.run !== store.run?.id) return toasts.say('The map of classes has not come yet.');
  const pass = passNumber();
  const patternAt = ({ y, x }) => regions.get({ y0: y, x0: x, y1: y, x1: x }, pass);
  const labels = new BlindLabels({ connection, toasts, patternAt });
  return labels.open(choosePositions(map.pass(store.passOf(map)), map.nx, BLIND_PATTERNS));
}

function watch() {
  const names = { map: new Set([...maps.watched, ...(store.run?.bragg ? ['bragg/class'] : [])]), pattern: new Set([...pattern.watched, ...(align.open ? ['latest'] : [])]), profile: profiles.watched };
  const topics = Object.entries(names).flatMap(([kind, list]) => [...list].map((name) => `${kind}/${name}/`));
  connection.watch([...topics, 'bragg/summary/', 'bragg/rows/'], RATE_HZ);
  late.expect({ profile: profiles.watched, pattern: pattern.watched });
}

async function look(area, where, source, position) {
  if (!store.run?.geometry?.scan) return;
  const run = store.run.id;
  pattern.say('reading …');
  try {
    const found = await regions.get(area, passNumber(), store.run.geometry.scan);
    if (found) pattern.showAsked(source, found, { run, where, position });
  } catch (error) {
    pattern.say(error.message);
  }
}

/** The pass that is looked at, of a scan with repeats; else null. */
function passNumber() {
  return store.run?.geometry?.repeats > 1 ? (maps.chosen.pass?.first ?? 0) / store.run.geometry.scan[0] : null;
}

function pick({ y, x }) {
  maps.setPicked({ y, x });
  const shape = store.run?.geometry?.scan;
  const row = (maps.chosen.pass?.first ?? 0) + y;
  const place = shape ? store.placeOf(row * shape[1] + x) : null;
  const name = place && store.classAt(place.index);
  return look({ y0: y, x0: x, y1: y, x1: x }, `y ${y}  x ${x}${name ? `, ${name}` : ''}`, 'position', place);
}

// Moves the position that is looked at, from the middle at first.
function step(dy, dx) {
  const shape = store.run?.geometry?.scan;
  if (!shape) return;
  const from = maps.marks.picked ?? { y: Math.floor(shape[0] / 2), x: Math.floor(shape[1] / 2) };
  pick({ y: Math.min(shape[0] - 1, Math.max(0, from.y + dy)), x: Math.min(shape[1] - 1, Math.max(0, from.x + dx)) });
}

const save = (display) => display.image && toasts.attempt(async () => {
  const name = await saveSnapshot(display, { run: store.run?.id, file: store.run?.file, detectors: [...apertures.entries.values()].map(({ applied }) => applied), calibration: store.calibration });
  toasts.say(`Saved ${name}.png, .npy and .json`);
});

const draw = (display, step) => display.image && toasts.attempt(async () => {
  const name = await saveFigure(display.product, figureOf(display, title(display.product), step));
  toasts.say(`Saved ${name}.svg and .png`);
});

const far = (event) => (event.shiftKey ? 5 : 1);
const move = (key, shown, text, dy, dx) => ({ keys: [key], shown, text, act: (event) => pattern.nudge(dy * far(event), dx * far(event)) });
const go = (key, shown, text, dy, dx) => ({ keys: [key], shown, text, act: (event) => step(dy * far(event), dx * far(event)) });
const panel = () => (pattern.root.contains(document.activeElement) ? pattern : maps.chosen);
const controls = () => panel().display;
const bindings = [
  move('w', 'W A S D', 'move the chosen aperture by a pixel (⇧: by five)', -1, 0), move('s', '', '', 1, 0), move('a', '', '', 0, -1), move('d', '', '', 0, 1),
  { keys: ['q'], shown: 'Q E', text: 'shrink or grow it (⇧: by five)', act: (event) => pattern.grow(-far(event)) }, { keys: ['e'], act: (event) => pattern.grow(far(event)) },
  { keys: ['z'], shown: 'Z', text: 'choose the next aperture', act: () => apertures.selectNext() },
  { keys: ['o'], shown: 'O', text: 'show or hide apertures', act: () => pattern.toggleApertures() },
  go('i', 'I J K L', 'the pattern of another position of the scan (⇧: by five)', -1, 0), go('k', '', '', 1, 0), go('j', '', '', 0, -1), go('l', '', '', 0, 1),
  { keys: ['x'], shown: 'X', text: 'begin a region or line (▭ ◯ ✎ ╱) there; I J K L stretch it, X: its mean pattern or profile', act: () => maps.drawByKey() },
  { keys: ['v'], shown: 'V', text: 'back to the newest pattern', act: () => pattern.choose('latest') },
  { keys: [' '], shown: 'Space', text: 'hold the picture, and let it go on: nothing is lost meanwhile', act: pause },
  { keys: ['c'], shown: 'C', text: 'take the contrast from what is shown now', act: () => controls().autoOnce() },
  { keys: ['g'], shown: 'G', text: 'linear, square root, logarithmic: of the picture, not of the data', act: () => nextScale(controls()) },
  { keys: ['1', '2', '4'], shown: '1 2 4', text: 'that many maps at once', act: (event) => maps.setLayout(Number(event.key)) },
  { keys: ['m'], shown: 'M', text: 'to the next map or the pattern; there:', act: () => focusNext() },
  { shown: '← ↑ → ↓ Enter', text: 'read a value (⇧: by five), take its position', keys: [] },
  { shown: '+ − 0', text: 'zoom, fit', keys: [] },
  { keys: ['p'], shown: 'P', text: 'save what is shown: picture, values, settings', act: () => save(controls()) },
  { keys: ['f'], shown: 'F', text: 'a figure of it for a talk: SVG and PNG', act: () => draw(controls(), panel().step()) },
  { keys: ['n'], shown: 'N', text: 'a note for the logbook', act: note },
  { keys: ['y'], shown: 'Y', text: 'the summary of this scan, to print', act: summary },
  { keys: ['r'], shown: 'R B', text: 'the recordings; back from one to the live scan', act: () => oldRuns.list() }, { keys: ['b'], act: () => oldRuns.back() },
  { keys: ['h'], shown: 'H', text: 'who holds control; take it, give it back', act: steer },
  { keys: ['u'], shown: 'U', text: 'to the next tab: Scan, Apertures, Bragg, Align, Instrument', act: () => side.openNext() },
  { keys: ['t'], shown: 'T', text: 'light or dark', act: theme },
  { keys: ['Escape'], shown: 'Esc', text: 'leave what was begun', act: leave },
  { keys: ['?'], shown: '?', text: 'this help', act: () => openHelp(bindings) },
];

function leave() {
  instrument.cancel();
  maps.leaveDrawing();
}

/** Keys go to the next image: maps that are shown, then the pattern. */
function focusNext() {
  const views = [...maps.shown.map((one) => one.display.view), pattern.display.view];
  const at = views.findIndex((view) => view.over === document.activeElement);
  views[(at + 1) % views.length].over.focus();
}

function nextScale(display) {
  const order = ['linear', 'sqrt', 'log'];
  display.setScale(order[(order.indexOf(display.contrast.scale) + 1) % order.length]);
}

async function loadAll() {
  await toasts.attempt(async () => {
    await apertures.load(frame().middle);
    store.calibration = (await connection.request('calibration')).result.calibration;
    store.changed('calibration');
  });
  side.chosen.shown?.();
}

connection.addEventListener('message', ({ detail }) => store.take(detail));
connection.addEventListener('broken', ({ detail }) => toasts.say(`A message could not be read: ${detail.error.message}`, 'bad'));
connection.addEventListener('viewers', ({ detail }) => {
  store.viewers = detail;
  store.changed('viewers');
});
connection.addEventListener('welcome', ({ detail }) => {
  store.welcome = detail;
  if (detail.wrong_token) toasts.say('The token in the address is not the one of this merlind: you may look, not steer. merlind logs the address with the right one when it starts.', 'bad');
  store.viewers = detail.viewers;
  store.changed('welcome');
  loadAll();
});
connection.addEventListener('state', ({ detail }) => {
  store.connection = detail;
  document.body.classList.toggle('lost', !detail.connected);
  store.changed('connection');
});
// How far a thing is to be seen from: what loses patterns stays on the screen until somebody has read it.
const toneOf = ({ event, disk }) => ({ geometry: '', stall: 'warn', stray: 'warn', disk: { failed: 'bad', short: 'bad', enough: '', caught_up: '', answers: '' }[disk?.what] ?? 'warn' })[event];
store.on('happening', (header) => toneOf(header) !== undefined && toasts.say(inOperatorsWords(header.text), toneOf(header)));
maps.addEventListener('watch', watch);
maps.addEventListener('pick', ({ detail }) => pick(detail));
maps.addEventListener('area', ({ detail: area }) => look(area, `mean of ${regionInWords(area)}`, 'area', null));
maps.addEventListener('cursor', ({ detail }) => profiles.follows && atCursor.at(detail, passNumber()));
maps.addEventListener('snapshot', ({ detail }) => save(detail.display));
maps.addEventListener('figure', ({ detail }) => draw(detail.display, detail.step()));
pattern.addEventListener('watch', watch);
pattern.addEventListener('turned', () => regions.forget());
pattern.addEventListener('snapshot', () => save(pattern.display));
pattern.addEventListener('figure', () => draw(pattern.display, pattern.step()));
pattern.addEventListener('picked', ({ detail }) => instrument.clicked(detail));
profiles.addEventListener('watch', watch);
store.on('run', watch);
// An aperture without a centre is in the middle of the frame, whose size the first run tells.
let image = '';
store.on('run', () => {
  const now = String(store.run?.image ?? '');
  if (now && now !== image && connection.connected) {
    image = now;
    toasts.attempt(() => apertures.load(frame().middle));
  }
});

listenForKeys(bindings);
watch();
connection.open();
