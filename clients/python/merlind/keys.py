"""Keys of a merlind that asks for them (merlinctl keygen)."""
from __future__ import annotations

import os
from typing import Any

import zmq


def read_key_file(path: Any) -> dict[str, bytes]:
    """The keys "public" and "secret" of a file that merlinctl keygen has written, as far as they are there."""
    with open(path, encoding="ascii") as file:
        words = [line.split() for line in file if not line.startswith("#")]
    return {w[0]: w[1].encode() for w in words if len(w) == 2 and w[0] in ("public", "secret")}


def show_keys(socket: zmq.Socket, key: Any, server_key: Any) -> None:
    """Makes a socket that is not connected yet show the pair of the file `key` to the daemon of server_key (None, None: no keys)."""
    if (key is None) != (server_key is None):
        raise ValueError("key and server_key go together")
    if key is not None:
        pair, server = read_key_file(key), str(server_key)
        socket.curve_serverkey = read_key_file(server)["public"] if os.path.exists(server) else server.encode()
        socket.curve_publickey, socket.curve_secretkey = pair["public"], pair["secret"]
