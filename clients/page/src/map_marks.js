// Marks that all maps share: where the beam is, which position is looked at, which area or line is being drawn.

import { LINE_TOOL, drawLine, drawnLine } from './map_line.js';
import { TOOLS, drawnRegion, regionCorner, regionPath } from './regions.js';

const LEAST_STEP = 0.5;
const HATCH = 10;

/** All that is drawn on maps, as in regions.js. */
export const DRAWN = [...TOOLS, LINE_TOOL];

export class MapMarks {
  beam = null;
  picked = null;
  area = null;
  /** Areas that are kept, numbered from 1. */
  regions = [];
  /** Spans [y, x0, x1] that are no part of the film. */
  excluded = [];
  /** The line that was drawn, whether it is shown, and how many positions wide it is. */
  line = null;
  showsLine = false;
  lineWidth = 1;
  /** Which kind of region, or a line, is drawn, and whether the next drag draws one without Shift. */
  tool = 'rectangle';
  armed = false;
  #path = null;
  #size = null;

  /** `drawn()`: drawing has ended; `area` or, with this tool, `line` is what was drawn, if anything. */
  constructor(drawn) {
    this.drawn = drawn;
  }

  draw(context, view) {
    if (this.beam) this.#drawBeam(context, view);
    this.#hatch(context, view);
    this.regions.forEach((region, i) => this.#region(context, view, region, i + 1));
    if (this.area) this.#border(context, view, this.area, '#ffffff', [5, 4]);
    if (this.line && (this.showsLine || this.drawing)) drawLine(context, this.line, this.lineWidth, view);
    if (this.picked) this.#cross(context, view, this.picked);
  }

  grab(point, view, event) {
    if (!(event.shiftKey || this.armed) || !view.size.width) return false;
    this.#begin(view.toImage(point), view.size);
    return true;
  }

  drag(place) {
    const last = this.#path.at(-1);
    if (Math.hypot(place.y - last.y, place.x - last.x) < LEAST_STEP) return;
    this.#path.push(place);
    this.#shape();
  }

  drop() {
    this.#path = null;
    this.armed = false;
    this.drawn();
  }

  cursorAt() {
    return this.armed ? 'cell' : null;
  }

  /** By keys: `place` is where it begins; every further place stretches it, until it is dropped. */
  get drawing() {
    return this.#path !== null;
  }

  beginAt(place, size) {
    this.#begin(place, size);
    this.#shape();
  }

  leave() {
    this.#path = null;
    this.#forget();
    this.armed = false;
  }

  #begin(place, { height, width }) {
    this.#size = [height, width];
    this.#path = [place];
    this.#forget();
  }

  #forget() {
    if (this.tool === 'line') this.line = null;
    else this.area = null;
  }

  #shape() {
    if (this.tool === 'line') this.line = drawnLine(this.#path, this.#size);
    else this.area = drawnRegion(this.tool, this.#path, this.#size);
  }

  #border(context, view, region, colour, dash) {
    context.save();
    for (const [style, width, lines] of [['rgba(0, 0, 0, 0.7)', 3.5, []], [colour, 1.5, dash]]) {
      context.strokeStyle = style;
      context.lineWidth = width;
      context.setLineDash(lines);
      regionPath(context, region, (place) => view.toScreen(place), view.view.scale);
      context.stroke();
    }
    context.restore();
  }

  // Slanted lines over what is no part of the film.
  #hatch(context, view) {
    if (this.excluded.length === 0) return;
    context.save();
    context.beginPath();
    for (const [y, x0, x1] of this.excluded) {
      const [from, to] = [view.toScreen({ y: y - 0.5, x: x0 - 0.5 }), view.toScreen({ y: y + 0.5, x: x1 - 0.5 })];
      context.rect(from.x, from.y, to.x - from.x, to.y - from.y);
    }
    context.clip();
    const { width, height } = context.canvas;
    for (const [colour, thick] of [['rgba(0, 0, 0, 0.7)', 3], ['#cfd6de', 1]]) {
      context.strokeStyle = colour;
      context.lineWidth = thick;
      context.beginPath();
      for (let x = -height; x < width; x += HATCH) {
        context.moveTo(x, height);
        context.lineTo(x + height, 0);
      }
      context.stroke();
    }
    context.restore();
  }

  #region(context, view, region, number) {
    this.#border(context, view, region, '#ffe066', []);
    const at = view.toScreen(regionCorner(region));
    context.save();
    context.font = '700 13px system-ui, sans-serif';
    context.lineWidth = 3.5;
    context.strokeStyle = 'rgba(0, 0, 0, 0.75)';
    context.strokeText(String(number), at.x + 4, at.y + 14);
    context.fillStyle = '#ffe066';
    context.fillText(String(number), at.x + 4, at.y + 14);
    context.restore();
  }

  #cross(context, view, { y, x }) {
    const at = view.toScreen({ y, x });
    const gap = Math.max(4, view.view.scale / 2 + 1);
    context.save();
    for (const [colour, width] of [['rgba(0, 0, 0, 0.75)', 4], ['#ff4fd8', 2]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.beginPath();
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        context.moveTo(at.x + dx * gap, at.y + dy * gap);
        context.lineTo(at.x + dx * (gap + 9), at.y + dy * (gap + 9));
      }
      context.stroke();
    }
    context.restore();
  }

  #drawBeam(context, view) {
    const at = view.toScreen(this.beam);
    context.save();
    context.fillStyle = '#7ee081';
    context.beginPath();
    context.arc(at.x, at.y, Math.max(3, Math.min(5, view.view.scale)), 0, 2 * Math.PI);
    context.fill();
    context.strokeStyle = 'rgba(0, 0, 0, 0.7)';
    context.stroke();
    context.restore();
  }
}

/** Where the scan has got to, from what was measured of a pass; null when it is whole or empty. */
export function beamPosition({ measured }, ny, nx, order) {
  const last = measured.lastIndexOf(1);
  if (last < 0 || order === 'list') return null;
  const y = Math.floor(last / nx);
  if (order !== 'serpentine' || y % 2 === 0) return last === ny * nx - 1 ? null : { y, x: last % nx };
  const x = measured.indexOf(1, y * nx) - y * nx;
  return y === ny - 1 && x === 0 ? null : { y, x };
}
