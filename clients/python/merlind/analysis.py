"""Analysis of the newest run's maps as they are now; definitions: schemas/protocol.md.

pass_: of a scan with repeats, from 0 (None: the newest with data). Lengths along maps in scan positions, angles in degrees from +x
(right) towards +y (down).
"""
from __future__ import annotations

from typing import Any, Optional

import numpy as np

from merlind.connection import Connection
from merlind.messages import given


class Analysis(Connection):
    """Computed by the daemon on request."""

    def com(self, *, layer: Optional[str] = None, descan: Any = "constant", rotation: Any = 0.0, flip: Any = None,
            pass_: Optional[int] = None) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Shift of the pattern, corrected and in scan directions: {"com_y", "com_x", "magnitude" (pixels of the detector),
        "azimuth" (degrees)}, each float64 [ny, nx], NaN where not measured; and {"descan", "transform", ...}.
        descan: "none" (from the frame's centre), "constant", "plane", "parabola", fitted to this map, or ["descan"] of what
        a call returned earlier (vacuum scan). rotation: degrees, with flip: com_y turns its sign first; or "auto" for both."""
        result, arrays = self.request("com", **given(layer=layer, descan=descan, rotation=rotation, flip=flip, pass_=pass_))
        return {name: array.copy() for name, array in arrays.items()}, result

    def icom(self, *, method: Optional[str] = None, border: Optional[str] = None, high_pass: Optional[float] = None,
             radius: Optional[int] = None, **shift: Any) -> tuple[np.ndarray, dict[str, Any]]:
        """Integrated centre of mass, float64 [ny, nx], pixels * positions, NaN where not measured; and what was done. shift: as
        com() takes it. method "icom", with border "mirror" or "periodic" and high_pass (waves per position); or "ricom",
        with radius (positions), taken while the scan grows."""
        result, arrays = self.request("icom", **given(method=method, border=border, high_pass=high_pass, radius=radius, **shift))
        return arrays["icom"].copy(), result

    def live_icom(self, **settings: Any) -> dict[str, Any]:
        """Settings of the live map "icom" (with "com_magnitude", "com_angle"), after changing those given, for the newest run and all
        later ones: enabled, method ("auto", "icom", "ricom"), descan, rotation (degrees or "auto"), flip, border, high_pass, radius."""
        return self.request("live_icom", **settings)[0]["settings"]

    def line_profile(self, name: str, start: tuple[float, float], end: tuple[float, float], *, width: float = 1, interpolation:
                     str = "bilinear", pass_: Optional[int] = None) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """A map along the line start - end, (y, x) each, averaged over `width` positions across: {"distance" (positions),
        "profile", "error" (units of the map), "count"}, each [n]; and {"period": {"value", "error" (positions), ...} or
        None, "detail" (why there is none), ...}. interpolation: "bilinear" or "nearest"."""
        result, arrays = self.request("map_profile", **given(name=name, from_=start, to=end, width=width,
                                                              interpolation=interpolation, pass_=pass_))
        return {"distance": np.arange(arrays["profile"].size) * result["spacing"],
                **{part: array.copy() for part, array in arrays.items()}}, result

    def correlation(self, a: Any, b: Any = None, *, block: Optional[int] = None, pass_: Optional[int] = None,
                    pass_b: Optional[int] = None) -> dict[str, Any]:
        """Two maps: {"r" (Pearson), "slope", "offset" (b = offset + slope * a), errors, "n", ...}. a, b: names, or lists of names
        whose sum is meant; b None: a, in the pass `pass_b`. block: side of the jackknife's blocks, positions."""
        return self.request("map_correlation", **given(a=a, b=b, block=block, pass_=pass_, pass_b=pass_b))[0]

    def drift(self, a: Any, b: Any = None, *, smoothing: float = 1.0, pass_: Optional[int] = None,
              pass_b: Optional[int] = None) -> dict[str, Any]:
        """How far map b (None: a, in the pass `pass_b`) is shifted against a: {"drift": [dy, dx], "error" of each, positions,
        "found" (False: they mean nothing), "quality"}. smoothing: positions, more for noisy maps."""
        return self.request("map_drift", **given(a=a, b=b, smoothing=smoothing, pass_=pass_, pass_b=pass_b))[0]
