"""The detector, virtual detectors, and what is known of the instrument."""
from __future__ import annotations

import time
from typing import Any, Optional

import numpy as np

from merlind.connection import Connection
from merlind.messages import MerlindError, given, plain


class Instrument(Connection):
    """Parameters, virtual detectors, calibration, references."""

    def get(self, name: str) -> str:
        """A parameter of the detector, as the detector writes it."""
        return self.request("get", name=name)[0]["value"]

    def set(self, name: str, value: Any) -> str:
        """Sets a parameter of the detector. Returns what it reads back as."""
        return self.request("set", name=name, value=str(value))[0]["value"]

    def detectors(self) -> list[dict[str, Any]]:
        """The virtual detectors in force, keys as in merlind.yaml(5), and "saturation": of the newest run, how many of the
        detector's "pixels" were at full scale of the counter in its "frames", summed ("pixel_frames") and as a "fraction"; or None."""
        return self.request("virtual_detectors")[0]["detectors"]

    def set_detector(self, name: str, shape: str, **keys: Any) -> dict[str, Any]:
        """Adds or moves a virtual detector, from the next frames on and in all later runs: set_detector("bf", "disk", radius=20),
        set_detector("mine", "mask", weights=array) with an array [y, x] of the frame's shape, or mask="FILE.npy" that the daemon can
        read. Keys: merlind.yaml(5), virtual_detectors. Lengths in pixels, centre (y, x), angles in degrees. See also recompute()."""
        return self.request("virtual_detector", name=name, shape=shape, **plain(keys))[0]["detector"]

    def remove_detector(self, name: str) -> None:
        """Computes a virtual detector no more."""
        self.request("virtual_detector_remove", name=name)

    def recompute(self, name: Optional[str] = None, wait: bool = True) -> None:
        """Computes what was added or moved since the newest run began over the frames before, from the run's file. Raises
        MerlindError if some of them could not be read; without wait, an event tells it."""
        self.request("recompute", **given(name=name))
        while wait:
            progress = self.status()["recompute"]
            if not progress or progress["finished"]:
                break
            time.sleep(0.1)
        if wait and progress and progress["error"]:
            raise MerlindError("internal", progress["error"])

    def calibration(self, **values: Any) -> dict[str, Any]:
        """What is known of the instrument, {name: {"value", "unit", "source", "time"} or None}, after setting the values given:
        kv, camera_length_mm, pixel_size_k (nm^-1 per pixel), centre (y, x; pixels), ellipse {"ratio", "angle" (degrees)},
        scan_step_nm, scan_rotation_deg, counts_per_electron, disk_radius_px, beam_current_pa, bad_pixels and gain (.npy files
        that the daemon can read). None forgets a value. In force for runs that start afterwards."""
        return self.request("calibration", **plain(values))[0]["calibration"]

    def measure(self, what: str, apply: bool = False, **options: Any) -> dict[str, Any]:
        """Measures "halo", "rings", "vacuum", "bad_pixels" or "gain" in the sum pattern of the newest run; only with apply is the
        calibration changed. Of the halo: save_as, inner, outer (pixels), centre; of rings: d (d-spacings, nm), tolerance, width
        (pixels); of the vacuum: save_as, current_pa, current_error_pa, exposure_s; of bad pixels: even."""
        return self.request("calibration_measure", what=what, apply=apply, **plain(options))[0][what]

    def halo_strain(self, reference: str, azimuth: float = 0.0, **options: Any) -> dict[str, Any]:
        """Strain of the newest run's halo against one kept by measure("halo", save_as=reference): {"strain": {"e_xx" (along
        azimuth, degrees), "e_yy", "e_xy", each with _error, ...}, "halo", "warnings", ...}.
        options: inner, outer (pixels), centre, save_as."""
        return self.request("halo_strain", reference=reference, azimuth=azimuth, **plain(options))[0]

    def halo_maps(self, reference: str, *, bin: int = 8, timeout: float = 86400.0,
                  **options: Any) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """The halo in bins of bin x bin positions, from the run's file: {"halo_k", "halo_fwhm" (nm^-1, or pixels), "e_xx", "e_yy", "e_xy",
        each with _error, NaN where a bin has none; "frames", "reason"}, each [bin_y, bin_x]; and {"bins": {"fitted", "few_counts",
        ...}, ...}. They become maps of the run. options: azimuth, inner, outer (pixels), centre, minimum_counts, layer, pass_."""
        return self._ask("halo_maps", {"reference": reference, "bin": int(bin), **plain(options)}, timeout)[::-1]

    def save_bad_pixels(self, path: str) -> dict[str, Any]:
        """Writes the mask of bad pixels to a new .npy file, on the daemon's computer; absolute path."""
        return self.request("bad_pixels_save", path=str(path))[0]

    def save_gain(self, path: str) -> dict[str, Any]:
        """Writes the gain of the pixels to a new .npy file, on the daemon's computer; absolute path."""
        return self.request("gain_save", path=str(path))[0]

    def calibrations(self) -> list[dict[str, Any]]:
        """The table of calibrations that are kept: [{"name", "used", "kv", "camera_length_mm", "time", "values"}]. The newest one of
        a high tension and camera length is taken over when these are set."""
        return self.request("calibrations")[0]["calibrations"]

    def save_calibration(self, name: Optional[str] = None) -> str:
        """Keeps what was measured or set under kV and camera length (pixel_size_k, ellipse, disk_radius_px), in the place of an
        entry of that name. None: a name is made. Returns the name."""
        return self.request("calibration_save", **given(name=name))[0]["name"]

    def remove_calibration(self, name: str) -> None:
        """Takes an entry out of the table."""
        self.request("calibration_remove", name=name)

    def references(self) -> list[dict[str, Any]]:
        """The references that are kept, from measure("vacuum" or "halo", save_as=name): [{"kind", "name", "attached", "time",
        "settings", ...}]."""
        return self.request("references")[0]["references"]

    def reference(self, kind: str, name: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """What a reference holds: its arrays, of a vacuum reference {"probe": [y, x], counts}, and its document."""
        result, arrays = self.request("reference", kind=kind, name=name)
        return {part: array.copy() for part, array in arrays.items()}, result["document"]

    def attach(self, kind: str, name: Optional[str]) -> list[str]:
        """Attaches a reference to the runs that follow, in the place of the one of its kind; name None: no one any more. Returns
        warnings: of settings that differ, of age."""
        return self.request("reference_attach", kind=kind, name=name)[0]["warnings"]

    def remove_reference(self, kind: str, name: str) -> None:
        """Removes a reference from the disk."""
        self.request("reference_remove", kind=kind, name=name)
