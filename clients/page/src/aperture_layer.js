// Apertures drawn on the pattern: dashed while requested, solid when applied; dragged by their handles or as a whole.

import { contains, dragged, handles, moved, outlineAt, radii } from './apertures.js';

const REACH = 9;
const REACH_OF_OUTLINE = 5;
const RADIANS = Math.PI / 180;

export class ApertureLayer {
  /** `pixelSizeK()`: nm^-1 per pixel or null; `mayDrag()`: whether this viewer may steer. */
  constructor(list, { pixelSizeK, mayDrag }) {
    Object.assign(this, { list, pixelSizeK, mayDrag, drag_: null, visible: true });
  }

  draw(context, view) {
    if (!this.visible) return;
    for (const entry of this.list.entries.values()) {
      if (entry.wanted?.centre && entry.wanted.shape !== 'mask') this.#drawOne(context, view, entry);
    }
  }

  grab(point, view) {
    if (!this.visible || !this.mayDrag()) return false;
    const found = this.#find(point, view);
    if (!found) return false;
    const place = view.toImage(point);
    const { y, x } = found.at ?? place;
    this.drag_ = { name: found.entry.name, handle: found.handle, last: place, grip: { y: place.y - y, x: place.x - x } };
    this.list.select(found.entry.name);
    return true;
  }

  drag(place) {
    const { name, handle, last, grip } = this.drag_;
    const { wanted } = this.list.get(name);
    const next = handle === 'whole' ? moved(wanted, place.y - last.y, place.x - last.x)
      : dragged(wanted, handle, { y: place.y - grip.y, x: place.x - grip.x }, this.pixelSizeK());
    if (handle !== 'whole' || next.centre[0] !== wanted.centre[0] || next.centre[1] !== wanted.centre[1]) this.drag_.last = place;
    this.list.preview(next);
  }

  drop() {
    const { name } = this.drag_;
    this.drag_ = null;
    const entry = this.list.get(name);
    if (entry.state === 'requested') this.list.ask(entry.wanted);
  }

  cursorAt(point, view) {
    if (!this.visible || !this.mayDrag()) return null;
    const found = this.#find(point, view);
    return found ? (found.handle === 'whole' || found.handle === 'centre' ? 'move' : 'pointer') : null;
  }

  // Handles of the chosen one first, then those of others, then outlines, then the chosen one's inside.
  #find(point, view) {
    const entries = [...this.list.entries.values()].filter((entry) => entry.wanted?.centre && entry.wanted.shape !== 'mask');
    entries.sort((a, b) => (b.name === this.list.selected) - (a.name === this.list.selected));
    for (const entry of entries) {
      const near = handles(entry.wanted, this.pixelSizeK()).reverse().find((handle) => {
        const at = view.toScreen(handle);
        return Math.hypot(at.x - point.x, at.y - point.y) <= REACH;
      });
      if (near && (entry.name === this.list.selected || near.name !== 'centre')) return { entry, handle: near.name, at: near };
    }
    const place = view.toImage(point);
    const outline = this.#nearestOutline(entries, place, REACH_OF_OUTLINE / view.view.scale);
    if (outline) return outline;
    const { chosen } = this.list;
    if (chosen?.wanted?.centre && contains(chosen.wanted, place, this.pixelSizeK())) {
      return { entry: chosen, handle: 'whole' };
    }
    return null;
  }

  #nearestOutline(entries, place, reach) {
    const away = ({ at }) => Math.hypot(at.y - place.y, at.x - place.x);
    const found = entries.map((entry) => ({ entry, at: outlineAt(entry.wanted, place, reach, this.pixelSizeK()) })).filter(({ at }) => at);
    const nearest = found.reduce((best, one) => (best && away(best) <= away(one) ? best : one), null);
    return nearest && { ...nearest, handle: nearest.at.handle };
  }

  #drawOne(context, view, entry) {
    const chosen = entry.name === this.list.selected;
    const asked = entry.state === 'requested';
    context.save();
    context.beginPath();
    this.#path(context, view, entry.wanted);
    if (chosen) {
      context.globalAlpha = 0.1;
      context.fillStyle = entry.colour;
      context.fill('evenodd');
      context.globalAlpha = 1;
    }
    context.lineWidth = chosen ? 3.5 : 2.5;
    context.strokeStyle = 'rgba(0, 0, 0, 0.55)';
    context.stroke();
    context.setLineDash(asked ? [6, 5] : []);
    context.lineWidth = chosen ? 2 : 1.25;
    context.strokeStyle = entry.colour;
    context.stroke();
    context.setLineDash([]);
    if (chosen && this.mayDrag()) this.#drawHandles(context, view, entry);
    context.restore();
  }

  #path(context, view, detector) {
    const { x, y } = view.toScreen({ y: detector.centre[0], x: detector.centre[1] });
    const { scale } = view.view;
    const ring = radii(detector, this.pixelSizeK());
    if (detector.shape === 'rectangle') {
      const [h, w] = detector.size.map((v) => v * scale);
      context.rect(x - w / 2, y - h / 2, w, h);
    } else if (!ring) {
      const half = Math.max(4, scale / 2);
      context.rect(x - half, y - half, 2 * half, 2 * half);
    } else if (detector.shape === 'sector') {
      sectorPath(context, x, y, ring.map((r) => r * scale), detector.angles);
    } else {
      for (const radius of ring.filter((r) => r > 0)) {
        context.moveTo(x + radius * scale, y);
        context.arc(x, y, radius * scale, 0, 2 * Math.PI);
      }
      if (detector.shape === 'segmented') spokes(context, x, y, ring.map((r) => r * scale), detector);
    }
  }

  #drawHandles(context, view, entry) {
    for (const handle of handles(entry.wanted, this.pixelSizeK())) {
      const { x, y } = view.toScreen(handle);
      context.beginPath();
      context.arc(x, y, handle.name === 'centre' ? 3.5 : 5.5, 0, 2 * Math.PI);
      context.fillStyle = handle.name === 'centre' ? entry.colour : '#fff';
      context.fill();
      context.lineWidth = 1.5;
      context.strokeStyle = handle.name === 'centre' ? 'rgba(0, 0, 0, 0.7)' : entry.colour;
      context.stroke();
    }
  }
}

function sectorPath(context, x, y, [inner, outer], [from, to]) {
  const start = from * RADIANS;
  const end = start + ((((to - from) % 360) + 360) % 360 || 360) * RADIANS;
  context.moveTo(x + inner * Math.cos(start), y + inner * Math.sin(start));
  context.arc(x, y, outer, start, end);
  if (inner > 0) context.arc(x, y, inner, end, start, true);
  else context.lineTo(x, y);
  context.closePath();
}

function spokes(context, x, y, [inner, outer], { sectors, start_angle: start = 0 }) {
  for (let i = 0; i < sectors; i++) {
    const angle = (start + (360 * i) / sectors) * RADIANS;
    context.moveTo(x + inner * Math.cos(angle), y + inner * Math.sin(angle));
    context.lineTo(x + outer * Math.cos(angle), y + outer * Math.sin(angle));
  }
}
