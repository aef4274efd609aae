"""Python's handle on merlind, the acquisition daemon of a Merlin detector.

    from merlind import Merlind
    m = Merlind()
    m.start(scan=(64, 64), wait=True)
    import matplotlib.pyplot as plt
    plt.imshow(m.map("adf")); plt.savefig("adf.png")

Needs pyzmq and numpy. Messages: schemas/protocol.md; headers and summaries are handed on as dicts. One Merlind, one thread.
"""
from __future__ import annotations

from merlind.analysis import Analysis
from merlind.bragg import Bragg
from merlind.instrument import Instrument
from merlind.keys import read_key_file
from merlind.live import LivePlot, live
from merlind.messages import MerlindError, Update
from merlind.old_runs import OldRuns
from merlind.results import Results
from merlind.service import Service

__all__ = ["LivePlot", "Merlind", "MerlindError", "Update", "live", "read_key_file"]


class Merlind(Results, Analysis, Instrument, Bragg, OldRuns, Service):
    """A connection to the daemon's endpoints (control None: $MERLIND_ENDPOINT, or tcp://127.0.0.1:6350; results None: asked of it
    when needed); timeout of a request in s. For asyncio: merlind.aio.AsyncMerlind.

    key: this client's key pair, a file that merlinctl keygen has written; server_key: the daemon's public key, or a file that
    has it: both where the daemon asks for keys (default: $MERLIND_KEY, $MERLIND_SERVER_KEY).
    """
