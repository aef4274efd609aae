"""Bragg reflections; definitions: docs/bragg.md, docs/bragg-statistics.md.

run: the id of one of the newest (None: the newest).
"""
from __future__ import annotations

from typing import Any, Optional

import numpy as np

from merlind.connection import Connection
from merlind.messages import given, phase_argument, plain


class Bragg(Connection):
    """Settings, references, statistics and tests of the classes."""

    def bragg(self, run: Optional[str] = None, *, phase: Any = None, timeout: float = 3600.0, **options: Any) -> dict[str, Any]:
        """Statistics of a run's Bragg reflections: {"n", "none", "two_beam", "three_beam", "on_axis", "multiple", "fraction", "headline":
        {"min_contrast", "fraction", "interval", "true_positive"}, "phase", ...}, members in schemas/bragg.json. phase: the name of a map, or (name, threshold),
        threshold "half", "median", "otsu" or a number. options: pass_, confidence, block, tile, min_contrast, rates, contrast_rates,
        areas, regions, excluded [[y, x0, x1]] (vacuum, holes), crystals [{"name", "d": [nm]}], spacing_tolerance, tolerance (pixels), texture."""
        return self._ask("bragg", {**given(run=run, phase=phase_argument(phase)), **plain(options)}, timeout)[0]

    def bragg_settings(self, **settings: Any) -> dict[str, Any]:
        """What is done about Bragg reflections, after changing what is given: enabled, centre, annulus, disk_radius, alpha ... as in
        merlind.yaml(5); None: not given any more."""
        return self.request("bragg_settings", **plain(settings))[0]["settings"]

    def bragg_propose(self, **window: Any) -> dict[str, Any]:
        """Settings proposed from the newest run's halo: {"settings": {"centre", "annulus", "disk_radius", ...}, "warnings", ...}; nothing
        is changed. window: inner, outer (pixels), centre."""
        return self.request("bragg_propose", **plain(window))[0]

    def bragg_references(self) -> list[dict[str, Any]]:
        """The references that are kept, with their settings, the runs they were measured on, F and V."""
        return self.request("bragg_reference")[0]["references"]

    def bragg_measure(self, name: str, *, run: Optional[str] = None, area: Optional[tuple[int, int, int, int]] = None, use: bool = False,
                      timeout: float = 3600.0) -> dict[str, Any]:
        """Measures a reference on a run's frames on disk, or those of area (y0, x0, y1, x1), and keeps it; use: for the runs that follow."""
        return self._ask("bragg_reference", given(action="measure", name=name, run=run, area=area, use=use or None), timeout)[0]["reference"]

    def bragg_use(self, name: str) -> dict[str, Any]:
        """Compares frames with a kept reference from now on; returns the settings in force."""
        return self.request("bragg_reference", action="use", name=name)[0]["settings"]

    def bragg_remove(self, name: str) -> None:
        """Keeps a reference no more."""
        self.request("bragg_reference", action="remove", name=name)

    def bragg_series(self, label: str, *, where: Optional[dict[str, Any]] = None, phase: Any = None, drift: Optional[dict[str, Any]] = None,
                     thickness: Optional[str] = None, thin: bool = False, rates: Optional[dict[str, Any]] = None,
                     contrast_rates: Optional[dict[str, Any]] = None, confidence: Optional[float] = None, timeout: float = 3600.0) -> dict[str, Any]:
        """The table of all finished scans that have a label (start(labels={"strain": 8})) and those of where: {"rows" (their "value" is the
        label's, as text), "scans", "phase", "warnings"}. phase: as bragg() takes it, tested within each scan and over all; drift: {"before": map, "after": map,
        "leave_out": bool}; thickness: the name of a map; thin: at the dose of the lowest scan; rates, contrast_rates: {"fpr", "tpr"}
        by which rows are corrected, as bragg() takes them. A row's "headline" is the fraction to quote, of strong reflections alone."""
        return self._ask("bragg_series", given(label=label, where=where, phase=phase_argument(phase), drift=drift, thickness=thickness,
                                                thin=thin or None, rates=rates, contrast_rates=contrast_rates, confidence=confidence), timeout)[0]["series"]

    def bragg_injection_test(self, contrasts: Any = None, *, frames: Optional[int] = None, run: Optional[str] = None,
                             timeout: float = 3600.0) -> list[dict[str, Any]]:
        """How often disks of known contrast are found in a run's own frames without reflections: [{"contrast", "tpr", "interval", ...}]."""
        contrasts = None if contrasts is None else np.asarray(contrasts).tolist()
        return self._ask("bragg_injection_test", given(contrasts=contrasts, frames=frames, run=run), timeout)[0]["rates"]

    def bragg_excluded(self, regions: Any = None, *, run: Optional[str] = None) -> dict[str, Any]:
        """Regions of a run that are no part of the film (vacuum, a hole, the cap), after setting them where given: lists of spans
        [y, x0, x1], in place of those before; []: none. {"regions", "positions"}."""
        return self.request("bragg_excluded", **plain(given(regions=regions, run=run)))[0]

    def bragg_null_test(self, area: Optional[tuple[int, int, int, int]] = None, *, glass: Optional[bool] = None,
                        run: Optional[str] = None) -> dict[str, Any]:
        """How often reflections were found in an area (y0, x0, y1, x1) that is known to be glass: {"rate", "interval", "verdict", ...}. The
        run's corrected fractions use it from then on; with glass=False it is only tested, and none is used any more."""
        return self.request("bragg_null_test", **given(area=area, glass=glass, run=run))[0]

    def bragg_labels(self, labels: Any, *, run: Optional[str] = None) -> dict[str, Any]:
        """The classes against a person's, [(y, x, "two_beam"), ...]: {"classes", "bragg"}, each with "kappa", "confusion" and more."""
        labels = [[int(y), int(x), str(name)] for y, x, name in labels]
        return self.request("bragg_labels", **given(labels=labels, run=run))[0]
