// Marks that all maps share: where the beam is, which position is looked at, which area is being drawn.

export class MapMarks {
  beam = null;
  picked = null;
  area = null;
  /** Areas that are kept, numbered from 1. */
  regions = [];
  #drawing = null;

  /** `areaDrawn({y0, x0, y1, x1})`: a rectangle of positions, borders included, was drawn with Shift held. */
  constructor(areaDrawn) {
    this.areaDrawn = areaDrawn;
  }

  draw(context, view) {
    if (this.beam) this.#drawBeam(context, view);
    this.regions.forEach((region, i) => this.#region(context, view, region, i + 1));
    if (this.area) this.#frame(context, view, this.area, '#ffffff', [5, 4]);
    if (this.picked) this.#cross(context, view, this.picked);
  }

  grab(point, view, event) {
    if (!event.shiftKey || !view.size.width) return false;
    this.#drawing = { from: view.toImage(point), size: view.size };
    this.area = null;
    return true;
  }

  drag(place) {
    const { from, size } = this.#drawing;
    const inside = (v, most) => Math.min(most - 1, Math.max(0, Math.round(v)));
    const [y0, y1] = [from.y, place.y].map((v) => inside(v, size.height)).sort((a, b) => a - b);
    const [x0, x1] = [from.x, place.x].map((v) => inside(v, size.width)).sort((a, b) => a - b);
    this.area = { y0, x0, y1, x1 };
  }

  drop() {
    this.#drawing = null;
    if (this.area) this.areaDrawn(this.area);
  }

  #frame(context, view, { y0, x0, y1, x1 }, colour, dash) {
    const from = view.toScreen({ y: y0 - 0.5, x: x0 - 0.5 });
    const to = view.toScreen({ y: y1 + 0.5, x: x1 + 0.5 });
    context.save();
    for (const [style, width, lines] of [['rgba(0, 0, 0, 0.7)', 3.5, []], [colour, 1.5, dash]]) {
      context.strokeStyle = style;
      context.lineWidth = width;
      context.setLineDash(lines);
      context.strokeRect(from.x, from.y, to.x - from.x, to.y - from.y);
    }
    context.restore();
  }

  #region(context, view, region, number) {
    this.#frame(context, view, region, '#ffe066', []);
    const at = view.toScreen({ y: region.y0 - 0.5, x: region.x0 - 0.5 });
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
