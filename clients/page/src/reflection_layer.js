// Bragg reflections of the position that is looked at, as rings on the pattern.

const RADIUS = 3.4;

export class ReflectionLayer {
  /** {row, index}: of the position among those of all passes; null: none. */
  at = null;
  /** Of a reflection, pixels. */
  radius = RADIUS;

  constructor(store) {
    this.store = store;
  }

  draw(context, view) {
    if (!this.at) return;
    context.save();
    for (const { y, x } of this.store.reflectionsAt(this.at.row, this.at.index)) {
      const place = view.toScreen({ y, x });
      context.beginPath();
      context.arc(place.x, place.y, (this.radius + 2) * view.view.scale, 0, 2 * Math.PI);
      context.lineWidth = 4;
      context.strokeStyle = 'rgba(0, 0, 0, 0.6)';
      context.stroke();
      context.lineWidth = 2;
      context.strokeStyle = '#ff4fd8';
      context.stroke();
    }
    context.restore();
  }
}
