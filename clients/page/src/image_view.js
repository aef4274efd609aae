// An image with zoom, pan, cursor and layers drawn over it. It knows nothing of what the image shows.

import { element, onBeat, setData } from './dom.js';
import { KeyCursor } from './key_cursor.js';
import { themeColour } from './theme.js';

const HATCH = 7;
const MOST_ZOOM = 64;

/**
 * Events: `cursor` (detail {y, x} in pixels of the image, whole at a pixel's middle, or null), `pick` (a click),
 * `view` (zoom or pan). Layers: objects with draw(context, view) and, as far as they take part in dragging,
 * grab(point, view, event), drag(point, event), drop(), cursorAt(point, view).
 */
export class ImageView extends EventTarget {
  layers = [];
  view = { scale: 1, x: 0, y: 0 };
  #fitted = true;
  #size = { width: 0, height: 0 };
  #picture = element('canvas');
  #words = null;
  #image = null;
  #drawn = false;
  #dragging = null;
  #keyCursor = new KeyCursor();

  constructor(label) {
    super();
    this.base = element('canvas', { class: 'image-base', 'aria-hidden': 'true' });
    this.over = element('canvas', { class: 'image-over', tabindex: '0', role: 'img', 'aria-label': label });
    this.root = element('div', { class: 'image-view' }, this.base, this.over);
    new ResizeObserver(() => this.#resized()).observe(this.root);
    this.#listen();
  }

  get size() {
    return this.#size;
  }

  get words() {
    return this.#words;
  }

  /** The picture as displayed, a pixel for a pixel, before zooming. */
  get picture() {
    return this.#picture;
  }

  /** Makes room for an image of height x width; a new shape is fitted in. */
  shape(height, width) {
    if (this.#size.height === height && this.#size.width === width) return;
    this.#size = { width, height };
    this.#picture.width = Math.max(1, width);
    this.#picture.height = Math.max(1, height);
    this.#image = new ImageData(Math.max(1, width), Math.max(1, height));
    this.#words = new Uint32Array(this.#image.data.buffer);
    this.fit();
  }

  /**
   * The words of `count` rows from `first` on have changed: they are drawn at once, for what is drawn over the image
   * must not run ahead.
   */
  painted(first = 0, count = this.#size.height) {
    const { width, height } = this.#size;
    if (this.#image && count > 0) this.#picture.getContext('2d').putImageData(this.#image, 0, 0, 0, first, width, count);
    this.#draw(count < height && !this.#drawn ? [first, count] : null);
  }

  redraw() {
    if (this.#drawn) return;
    this.#drawn = true;
    requestAnimationFrame(() => {
      this.#drawn = false;
      this.#draw();
    });
  }

  /** For what comes from merlind, not from the viewer's hand. */
  redrawOnBeat() {
    onBeat(this.#redrawn);
  }

  #redrawn = () => this.#draw();

  fit() {
    this.#fitted = true;
    const { width, height } = this.#size;
    const box = this.#box();
    if (!width || !box.width) return;
    const scale = Math.min(box.width / width, box.height / height);
    this.view = { scale, x: (box.width - width * scale) / 2, y: (box.height - height * scale) / 2 };
    this.#viewChanged();
  }

  zoom(factor, at = { x: this.#box().width / 2, y: this.#box().height / 2 }) {
    const { width, height } = this.#size;
    const least = 0.5 * Math.min(this.#box().width / width, this.#box().height / height);
    const scale = Math.min(MOST_ZOOM, Math.max(least, this.view.scale * factor));
    const part = scale / this.view.scale;
    this.view = { scale, x: at.x - (at.x - this.view.x) * part, y: at.y - (at.y - this.view.y) * part };
    this.#fitted = false;
    this.#viewChanged();
  }

  pan(dx, dy) {
    this.view = { ...this.view, x: this.view.x + dx, y: this.view.y + dy };
    this.#fitted = false;
    this.#viewChanged();
  }

  /** From a place on the canvas to pixels of the image, (0, 0) the middle of the first one. */
  toImage({ x, y }) {
    return { x: (x - this.view.x) / this.view.scale - 0.5, y: (y - this.view.y) / this.view.scale - 0.5 };
  }

  toScreen(place) {
    return toScreen(place, this.view);
  }

  /** Draws the image as it is seen in `view` (this one, or a snapshot's). */
  drawTo(context, { view: { scale, x, y } }) {
    const { width, height } = this.#size;
    context.save();
    context.beginPath();
    context.rect(x, y, width * scale, height * scale);
    context.clip();
    drawHatch(context, x, y, width * scale, height * scale);
    context.imageSmoothingEnabled = false;
    context.drawImage(this.#picture, x, y, width * scale, height * scale);
    context.restore();
  }

  drawLayers(context, view) {
    for (const layer of this.layers) layer.draw(context, view);
    this.#keyCursor.draw(context, view);
  }

  #viewChanged() {
    this.dispatchEvent(new CustomEvent('view'));
    this.redraw();
  }

  #box() {
    return { width: this.root.clientWidth, height: this.root.clientHeight };
  }

  #resized() {
    const ratio = window.devicePixelRatio || 1;
    const { width, height } = this.#box();
    for (const canvas of [this.base, this.over]) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    if (this.#fitted) this.fit();
    else this.redraw();
  }

  // The image, or only some of its rows, and all that lies over it.
  #draw(rows = null) {
    const ratio = window.devicePixelRatio || 1;
    const [base, over] = [this.base.getContext('2d'), this.over.getContext('2d')];
    base.setTransform(1, 0, 0, 1, 0, 0);
    base.save();
    if (rows) clipToRows(base, rows, this.view, ratio);
    clear(base, ratio);
    if (this.#size.width) this.drawTo(base, this);
    base.restore();
    clear(over, ratio);
    if (this.#size.width) this.drawLayers(over, this);
    // Where the image lies, for whoever reads the canvas.
    const { scale, x, y } = this.view;
    setData(this.base, 'view', JSON.stringify({ scale, x, y }));
  }

  #place(event) {
    const box = this.over.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  #listen() {
    const { over } = this;
    over.addEventListener('wheel', (event) => {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY * 0.0015), this.#place(event));
    }, { passive: false });
    over.addEventListener('dblclick', () => this.fit());
    over.addEventListener('pointerdown', (event) => this.#pressed(event));
    over.addEventListener('pointermove', (event) => this.#moved(event));
    over.addEventListener('pointerup', (event) => this.#released(event));
    over.addEventListener('pointercancel', () => this.#endDrag());
    over.addEventListener('pointerleave', () => this.#cursor(null));
    over.addEventListener('keydown', (event) => this.#key(event));
    over.addEventListener('blur', () => this.#leaveKeys());
  }

  #pressed(event) {
    if (event.button !== 0) return;
    this.over.setPointerCapture(event.pointerId);
    this.over.focus({ preventScroll: true });
    const place = this.#place(event);
    const layer = [...this.layers].reverse().find((one) => one.grab?.(place, this, event));
    this.#dragging = { layer, last: place, moved: 0 };
    this.root.classList.toggle('drawing', Boolean(layer));
  }

  #moved(event) {
    const place = this.#place(event);
    this.#leaveKeys();
    this.#cursor(place);
    const drag = this.#dragging;
    if (!drag) {
      const layer = [...this.layers].reverse().find((one) => one.cursorAt?.(place, this));
      this.over.style.cursor = layer ? layer.cursorAt(place, this) : 'crosshair';
      return;
    }
    drag.moved += Math.abs(place.x - drag.last.x) + Math.abs(place.y - drag.last.y);
    // A hand that shakes while it clicks drags nothing.
    if (drag.layer && drag.moved > 2) drag.layer.drag(this.toImage(place), event);
    else if (!drag.layer && drag.moved > 3) this.pan(place.x - drag.last.x, place.y - drag.last.y);
    drag.last = place;
    if (drag.layer) this.redraw();
  }

  #released(event) {
    const drag = this.#endDrag();
    if (drag && !drag.layer && drag.moved <= 3) this.#pick(this.toImage(this.#place(event)));
  }

  // Returns what was dragged; also when the system takes the pointer away.
  #endDrag() {
    const drag = this.#dragging;
    this.#dragging = null;
    this.root.classList.remove('drawing');
    drag?.layer?.drop?.();
    return drag;
  }

  #pixel({ x, y }) {
    const at = { x: Math.round(x), y: Math.round(y) };
    const inside = at.x >= 0 && at.y >= 0 && at.x < this.#size.width && at.y < this.#size.height;
    return inside ? at : null;
  }

  #pick(place) {
    if (this.#pixel(place)) this.dispatchEvent(new CustomEvent('pick', { detail: { ...this.#pixel(place), exact: place } }));
  }

  #cursor(place) {
    const at = place && this.#size.width ? this.#pixel(this.toImage(place)) : null;
    this.dispatchEvent(new CustomEvent('cursor', { detail: at }));
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = { '+': () => this.#zoomByKey(1.25), '=': () => this.#zoomByKey(1.25), '-': () => this.#zoomByKey(0.8), 0: () => this.fit(), Enter: () => this.#pickByKey() };
    const step = steps[event.key] ?? (KeyCursor.isStep(event.key) ? () => this.#stepByKey(event) : null);
    if (!step || !this.#size.width) return;
    event.preventDefault();
    event.stopPropagation();
    step();
  }

  #stepByKey({ key, shiftKey }) {
    const place = this.#keyCursor.step(key, shiftKey ? 5 : 1, this.#size);
    const { view } = this;
    const [at, box] = [this.toScreen(place), this.#box()];
    const out = (v, most) => (v < 0 ? -v : v > most ? most - v : 0);
    const [dx, dy] = [out(at.x - view.scale, box.width - 2 * view.scale), out(at.y - view.scale, box.height - 2 * view.scale)];
    if (dx || dy) this.pan(dx, dy);
    this.dispatchEvent(new CustomEvent('cursor', { detail: place }));
    this.redraw();
  }

  #zoomByKey(factor) {
    const { at } = this.#keyCursor;
    this.zoom(factor, at ? this.toScreen(at) : undefined);
  }

  #pickByKey() {
    const { at } = this.#keyCursor;
    if (at) this.dispatchEvent(new CustomEvent('pick', { detail: { ...at, exact: at } }));
  }

  #leaveKeys() {
    if (!this.#keyCursor.at) return;
    this.#keyCursor.at = null;
    this.dispatchEvent(new CustomEvent('cursor', { detail: null }));
    this.redraw();
  }
}

export const toScreen = ({ x, y }, view) => ({ x: (x + 0.5) * view.scale + view.x, y: (y + 0.5) * view.scale + view.y });

function clear(context, ratio) {
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, context.canvas.width, context.canvas.height);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
}

// Whole pixels of the screen, so that what is drawn in parts is what would be drawn at once.
function clipToRows(context, [first, count], { scale, y }, ratio) {
  const top = Math.floor((y + first * scale) * ratio) - 1;
  const bottom = Math.ceil((y + (first + count) * scale) * ratio) + 1;
  context.beginPath();
  context.rect(0, top, context.canvas.width, bottom - top);
  context.clip();
}

// Places without a value are hatched in lines of the screen, whatever the zoom, so that no value looks like them.
function drawHatch(context, x, y, width, height) {
  context.fillStyle = themeColour('--hatch-ground');
  context.fillRect(x, y, width, height);
  context.strokeStyle = themeColour('--hatch-line');
  context.lineWidth = 1;
  context.beginPath();
  for (let at = x - height; at < x + width; at += HATCH) {
    context.moveTo(at, y + height);
    context.lineTo(at + height, y);
  }
  context.stroke();
}
