"""A plot of maps that grows with the scan, in a notebook, a window, or nowhere (for a picture at the end).

    import merlind
    merlind.live("dark_field", "bf")          # the newest run, until it ends; the stop button ends watching, not the run

matplotlib is imported when somebody plots, and not before.
"""
from __future__ import annotations

import sys
import time
from typing import Any, Optional

import numpy as np


def live(*names: str, m: Any = None, run: Optional[str] = None, interval: float = 0.25, cmap: str = "gray") -> LivePlot:
    """Plots maps of a run (None: the newest) while they grow, and returns when the run is over, or was interrupted (Ctrl-C, the
    notebook's stop button; the run goes on). names: none is the run's first map; m: a Merlind (None: one of its own);
    interval: s between two drawings, at least. In a notebook the plot changes in its place, also with ipympl."""
    from merlind import Merlind
    ours = None if m is not None else Merlind()
    try:
        source = m if ours is None else ours
        run = run or source.run()["id"]
        plot = LivePlot(names or tuple(source.run(run)["maps"][:1]), cmap)
        try:
            plot.follow(source, run, interval)
        except KeyboardInterrupt:
            plot.draw()
        return plot
    finally:
        if ours is not None:
            ours.close()


class LivePlot:
    """The plot: `figure` (matplotlib's), `axes` and `maps` (masked arrays, as Merlind.map() returns them) by name, and how many
    `drawings` there were."""

    def __init__(self, names: tuple[str, ...], cmap: str = "gray"):
        from matplotlib import pyplot
        if not names:
            raise ValueError("which maps? The run has none yet")
        self.maps: dict[str, np.ma.MaskedArray] = {}
        self.drawings = 0
        self.figure, axes = pyplot.subplots(1, len(names), squeeze=False, figsize=(4.2 * len(names), 4), layout="constrained")
        self.axes = dict(zip(names, axes[0]))
        self._cmap, self._images = cmap, {}
        for name, one in self.axes.items():
            one.set(title=name, xlabel="scan x", ylabel="scan y")
        self._shown = _show(self.figure)

    def follow(self, m: Any, run: str, interval: float = 0.25) -> None:
        """Draws what comes of the run until it is over."""
        drawn = 0.0
        for name, image in m.follow(list(self.axes), run):
            self.maps[name] = image
            if time.monotonic() >= drawn + interval:
                self.draw()
                drawn = time.monotonic()
        self.draw()

    def draw(self) -> None:
        """Draws the maps as they are now: grey, from the 0.5 to the 99.5 percentile of what was measured."""
        for name, values in self.maps.items():
            self._draw_one(name, _newest_pass(values))
        self.drawings += 1
        self._shown()

    def _draw_one(self, name: str, values: np.ma.MaskedArray) -> None:
        axes, measured = self.axes[name], np.ma.masked_invalid(values).compressed()
        image = self._images.get(name)
        if image is None or image.get_array().shape != values.shape:
            axes.clear()
            image = self._images[name] = axes.imshow(values, cmap=self._cmap, interpolation="nearest")
            axes.set(xlabel="scan x", ylabel="scan y")
        image.set_data(values)
        if measured.size:
            image.set_clim(*np.percentile(measured.astype(float), (0.5, 99.5)))
        axes.set_title(name if measured.size == values.size else f"{name}, {measured.size / values.size:.0%}")

    def save(self, path: Any) -> None:
        """Writes the plot as a picture; the kind follows from the ending."""
        self.figure.savefig(path)


def _newest_pass(values: np.ma.MaskedArray) -> np.ma.MaskedArray:
    """[ny, nx] of [passes, ny, nx]: the last pass with data."""
    if values.ndim == 2:
        return values
    begun = [i for i, one in enumerate(values) if one.count()]
    return values[begun[-1] if begun else 0]


def _show(figure: Any) -> Any:
    """Shows the figure; the function that brings what is shown up to date."""
    import matplotlib
    from matplotlib import pyplot
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    interactive = matplotlib.get_backend().lower() not in ("agg", "module://matplotlib_inline.backend_inline", "inline")
    if shell is not None and not interactive:  # pictures in the cell's output
        from IPython.display import display
        pyplot.close(figure)  # else the cell's end shows it once more
        handle = display(figure, display_id=True)
        return (lambda: handle.update(figure)) if handle else lambda: None
    if interactive:
        pyplot.show(block=False)

    def update() -> None:
        figure.canvas.draw()  # at once: while a cell runs nobody handles what a draw_idle asks for
        figure.canvas.flush_events()
    return update
