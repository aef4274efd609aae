// Small helpers for making the page's elements.

/** element('button', {class: 'x', onclick: f, disabled: true}, 'text', other): attributes, listeners, children. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, '');
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** A <select> of [value, text] pairs, or of texts. */
export function choice(label, options, value, changed) {
  const made = element('select', { 'aria-label': label, title: label, onchange: () => changed(made.value) });
  setOptions(made, options, value);
  return made;
}

export function setOptions(select, options, value) {
  const pairs = options.map((option) => (Array.isArray(option) ? option : [option, option]));
  const key = JSON.stringify(pairs);
  if (select.dataset.options !== key) {
    select.dataset.options = key;
    select.replaceChildren(...pairs.map(([v, text]) => element('option', { value: v }, text)));
  }
  select.value = value;
}

/** `text`: or what is drawn in it. */
export function button(text, title, pressed, attributes = {}) {
  return element('button', { type: 'button', title, onclick: pressed, ...attributes }, text);
}

/** Opens a <dialog> with these contents over everything else; it is gone when it is closed. */
export function dialog(attributes, ...children) {
  const made = element('dialog', attributes, ...children);
  made.addEventListener('close', () => made.remove());
  document.body.append(made);
  made.showModal();
  return made;
}

/** A labelled input; `attributes` are those of the input. */
export function field(label, attributes, unit = '') {
  const input = element('input', attributes);
  const made = element('label', { class: 'field' }, element('span', {}, label), input);
  if (unit) made.append(element('small', {}, unit));
  made.input = input;
  return made;
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** A data attribute, written only where it changes: writing it makes the browser look at the page's style again. */
export function setData(node, name, text) {
  if (node.dataset[name] !== text) node.dataset[name] = text;
}

/** Calls `work` at once, and then at most every `ms`; the last wish is always carried out. */
export function throttled(work, ms) {
  let [timer, last] = [0, -Infinity];
  const run = () => {
    timer = 0;
    last = performance.now();
    work();
  };
  return () => {
    if (timer) return;
    const wait = last + ms - performance.now();
    if (wait <= 0) run();
    else timer = setTimeout(run, wait);
  };
}

/** The same, and so seldom that `work` takes no more than a small part of the time, however long it lasts. */
export function unhurried(work, ms) {
  let [timer, free] = [0, -Infinity];
  const run = () => {
    timer = 0;
    const began = performance.now();
    work();
    const now = performance.now();
    free = Math.max(began + ms, now + 10 * (now - began));
  };
  return () => {
    if (timer) return;
    const wait = free - performance.now();
    if (wait <= 0) run();
    else timer = setTimeout(run, wait);
  };
}

// What comes from merlind is painted on one beat, a little after it has come: maps that are told together are then painted in
// one frame of the screen, and the browser puts its picture together once for all of them.
const BEAT_MS = 80;
const GATHER_MS = 15;
const waiting = new Set();
let [beat, timer] = [-Infinity, 0];

function paintAll() {
  timer = 0;
  beat = performance.now();
  const paints = [...waiting];
  waiting.clear();
  for (const paint of paints) paint();
}

/** Calls `paint` once on the next beat, however often it is asked for until then. */
export function onBeat(paint) {
  waiting.add(paint);
  timer ||= setTimeout(() => requestAnimationFrame(paintAll), Math.max(GATHER_MS, beat + BEAT_MS - performance.now()));
}

/** Calls `paint` once before the next frame of the screen, however often it is asked for. */
export function coalesced(paint) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      paint();
    });
  };
}
