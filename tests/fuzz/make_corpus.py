#!/usr/bin/python3
"""Writes the seed corpus beside it (corpus/TARGET/NAME) from the worked examples of the protocol notes.

Run it again after a change of the examples; files that the fuzzers found and that are worth keeping are added by hand.
"""
import pathlib

HERE = pathlib.Path(__file__).parent

DACS = "3RX," + ",".join(["011", "511"] + ["000"] * 6 + ["175", "010", "125", "125", "100", "100", "082"] +
                         ["128"] * 12) + ","
THRESHOLDS = "2.000000E+0,5.110000E+2," + "0.000000E+0," * 6
LOCAL = "2021-04-15 14:43:00.835428,0.001000,0,0,0,"
MQ1A = "MQ1A,2021-04-15T13:43:00.835428351Z,1000000ns,"


def frame(number, chips, width, height, kind, layout, depth, conditions=THRESHOLDS, mq1a=MQ1A, tail=""):
    offset = 256 + 128 * chips
    text = (f"MQ1,{number:06},{offset:05},{chips:02},{width:04},{height:04},{kind},{layout:>6},"
            f"{(1 << chips) - 1:02X},{LOCAL}{conditions}")
    if conditions:
        text += DACS * chips
    else:
        text += ","
    if mq1a:
        text += f"{mq1a}{depth},{tail}"
    return text.encode().ljust(offset, b"\0")


def hdr(depth=12, frames=16384, size=512, extra=""):
    text = ("HDR,\t\r\nTime and Date Stamp (day, mnth, yr, hr, min, s):\t18/05/2020 16:51:48\r\n"
            f"Assembly Size (NX1, 2X2):\t   2x2\r\nChip Mode  (SPM, CSM, CM, CSCM):\tSPM\r\n"
            f"Counter Depth (number):\t{depth}\r\nSensor Bias (V, \xb5A)\r\n"
            f"Frames in Acquisition (Number):\t{frames}\r\nFrames per Trigger (Number):\t128\r\n"
            f"Trigger Start (Positive, Negative, Internal):\tPositive\r\nSoftware Version:\t1.6.1.217\r\n{extra}"
            "End\t")
    return text.encode("latin-1").ljust(size)


def mpx(body):
    return b"MPX,%010d," % (len(body) + 1) + body


def pixels(n):
    return bytes((7 * i + 3) % 251 for i in range(n))


FRAME_HEADERS = {
    "single_u08": frame(1, 1, 256, 256, "U08", "1x1", 6),
    "single_raw": frame(1, 1, 256, 256, "R64", "1x1", 1),
    "single_old": frame(1, 1, 256, 256, "R64", "1x1", 6, conditions=""),
    "no_mq1a": frame(7, 1, 256, 256, "U16", "1x1", 12, mq1a=""),
    "quad_gap": frame(17, 4, 514, 514, "U16", "2x2G", 12),
    "one_chip_2x2": frame(3, 1, 256, 256, "U32", "2x2", 24),
    "seven_digits": frame(1048576, 1, 256, 256, "U08", "Nx1", 1, mq1a=MQ1A.replace("ns", "nS")),
    "opt1": frame(1, 1, 256, 256, "U08", "1x1", 6, conditions="", tail="OPT1,43.5,Q,END1,"),
}

STREAMS = {
    "run": mpx(hdr()) + b"".join(mpx(frame(n, 1, 16, 8, "U16", "1x1", 12, "") + pixels(256)) for n in (1, 2)),
    "types": b"".join(mpx(frame(1, 1, 5, 3, kind, "1x1", 6, "", mq1a="") + pixels(15 * size))
                      for kind, size in (("U08", 1), ("U16", 2), ("U32", 4), ("R64", 8))),
    "filler": b"\0\r\n" + mpx(hdr(6, 0, 300)) + b"\0\0" + mpx(b"12B,000001,0,") + b"\n" + mpx(b""),
    "garbage": mpx(b"MQ1,1") + b"noise MPX,MPX,0000000009,PIXEL MPX,9999999999,MQ1," + mpx(hdr()),
    "cut": mpx(frame(1, 1, 16, 8, "U08", "1x1", 6, "") + pixels(128))[:-3],
    "wrong_size": mpx(frame(1, 1, 16, 9, "U08", "1x1", 6, "") + pixels(128)),
}

REPLIES = {
    "get": mpx(b"GET,ACQUISITIONTIME,1.000000,0"),
    "set": mpx(b"SET,COUNTERDEPTH,3") + b"\n" + mpx(b"CMD,STARTACQUISITION,1"),
    "commas": mpx(b"GET,DACS,1,2,,3,,0"),
    "stray": b"\0\r\nxMPMPX,M\0MPX,0\0\0000000019,SET,COUNTERDEPTH,0",
    "short_length": b"MPX,0000000018,SET,COUNTERDEPTH,0MPX,19,SET,COUNTERDEPTH,0",
    "no_code": mpx(b"SET,COUNTERDEPTH,abc") + mpx(b"GET,X") + mpx(b"HDR,\t"),
}

ACQUISITIONS = {
    "quad": hdr(),
    "endless": hdr(1, 0, 700),
    "scan": hdr(6, 4096, 600, "ScanX:\t64\r\nScanY:\t64\r\n"),
    "wrong_number": hdr("twelve"),
    "empty": b"HDR,\t\r\nEnd\t",
}


def npy(text, values=b"", version=1):
    length = len(text).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + length + text.encode("latin-1") + values


def array(descr, shape="(2, 3)", order=False):
    return f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n"


ARRAYS = {
    "u1": npy(array("|u1"), pixels(6)),
    "f4_v2": npy(array("<f4"), pixels(24), 2),
    "f8_v3": npy(array("<f8"), pixels(48), 3),
    "bool": npy(array("|b1"), pixels(6)),
    "other_order": npy('{"shape":(2,3),"fortran_order":False,"descr":"|i1"}', pixels(6)),
    "fortran": npy(array("|u1", order=True), pixels(6)),
    "axes": npy(array("|u1", "(1, 2, 3)"), pixels(6)),
    "huge": npy(array("<f8", "(4294967295, 4294967295)"), pixels(8)),
    "number": npy(array("|u1", "(99999999999999999999, 1)")),
    "record": npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 3)}"),
    "cut": npy(array("|u1"), pixels(6))[:40],
}


GATES = {
    "own": b"127.0.0.1:6380\nhttp://127.0.0.1:6380\n",
    "listed": b"[::1]:6380\nhttp://lab.example:8080\nhttp://lab.example:8080 https://[fd00::5]:1",
    "stranger": b"evil.example\nnull\nhttp://lab",
    "odd": b"[:\nhttps://\n http://  https://[ ",
    "token": b"0123456789abcdef\n0123456789abcdef\n",
}


def write(target, seeds):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in seeds.items():
        (folder / name).write_bytes(content)


# Whole requests: those that are kept beside the schemas, and what was made to do harm.
MESSAGES = HERE.parent / "data" / "messages"
REQUESTS = {path.stem: path.read_bytes().strip() for folder in (MESSAGES, MESSAGES / "wrong") for path in folder.glob("request.*.json")}
REQUESTS |= {
    "nested": b'{"cmd":"start","args":{"labels":' + b"[" * 40 + b"]" * 40 + b"}}",
    "twice": b'{"cmd":"ping","args":{},"args":{}}',
    "no_text": b"\xff\xfe\0",
    "nul": b'{"cmd":"stop\\u0000"}',
    "big_number": b'{"cmd":"calibration","args":{"kv":1e999,"centre":[99999999999999999999,1]}}',
    "cut": b'{"cmd":"start","args":{"scan":[4,',
    "quoted_bracket": b'{"cmd":"ping","id":"[[[[\\"{{{{"}',
    "runs": b'{"id":1,"cmd":"runs","args":{"offset":0,"limit":24}}',
    "runs-past_the_end": b'{"id":1,"cmd":"runs","args":{"offset":4294967296,"limit":1}}',
    "run_open": b'{"id":1,"cmd":"run_open","args":{"file":"scan.h5"}}',
    "run_open-outside": b'{"id":1,"cmd":"run_open","args":{"file":"../../etc/passwd"}}',
    "run_open-directory": b'{"id":1,"cmd":"run_open","args":{"file":"."}}',
    "run_close": b'{"id":1,"cmd":"run_close","args":{"file":"scan.h5"}}',
}

# Messages of a viewer, one a line; the token is the target's.
MESSAGES_OF_PAGES = {
    "hello": b'{"hello":{"name":"Anna B","token":"the-token-of-the-fuzz-target"}}\n{"id":1,"cmd":"start","args":{"scan":[4,4]}}',
    "wrong_token": b'{"hello":{"token":"x"}}\n{"id":1,"cmd":"stop"}\n{"id":2,"cmd":"status"}\n{"hello":{"name":"later"}}',
    "old_run": b'{"hello":{"run":"../../etc/passwd"}}\n{"id":1,"cmd":"map","args":{"name":"bf"}}',
    "watch": b'{"watch":{"topics":["map/haadf/","pattern/"],"rate_hz":5}}\n{"watch":{"topics":[]}}\n{"watch":{"topics":["a",7]}}\n{"watch":{"topics":[],"rate_hz":1e999}}',
    "long_topics": b'{"watch":{"topics":["' + b"m" * 127 + b'","' + b"m" * 128 + b'"]}}',
    "many_topics": b'{"watch":{"topics":[' + b",".join(b'"%d"' % i for i in range(65)) + b"]}}",
    "nothing": b'{}\n[]\n\n{"cmd":7}\n{"cmd":"ping","cmd":"stop"}\n{"hello":1}\n\xff\xfe\0',
    "name": b'{"hello":{"name":"\\u0001\\n%s' + b"n" * 80 + b'"}}',
    "busy": b"\n".join(b'{"id":%d,"cmd":"ping"}' % i for i in range(34)),
    "page_asks": b'{"id":1,"cmd":"lease","args":{"action":"tell"}}\n{"id":2,"cmd":"lease","args":{"action":"take"}}\n{"id":3,"cmd":"bragg_settings","args":{}}\n{"id":4,"cmd":"bragg_settings","args":{"contrast":3}}',
}


if __name__ == "__main__":
    write("request", REQUESTS)
    write("page_message", MESSAGES_OF_PAGES)
    write("frame_header", FRAME_HEADERS)
    write("acquisition_header", ACQUISITIONS)
    write("command_reply", REPLIES)
    write("npy", ARRAYS)
    write("page_gate", GATES)
    # The first two bytes say where the stream is cut.
    write("mpx", {name: b"\0\x40" + stream for name, stream in STREAMS.items()})
