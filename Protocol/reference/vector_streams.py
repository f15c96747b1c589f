"""Builds streams.json: what one side sends from its first byte on."""

import struct

from errand_layout import OPCODES
from errand_wire import MAGIC, encode_message, frame, segment
from tiny_deflate import fixed_stream
from vector_segments import busy_frames, describe
from vector_watches import CASES

AGREED = {"zlib": False, "checksums": False, "segmentByteCountMax": 262144, "callsInFlightMax": 1024, "bytesInFlightMax": 1048576}
MINIMAL = {case.label: case.minimal for case in CASES}


def message(opcode, request_id=0, reply=False, status="OK", fields=None, label=None, **changes):
    return encode_message(opcode, {**(MINIMAL[label or opcode] if fields is None else fields), **changes}, request_id, reply, status)


HELLO = message("HELLO", clientName="errand-test")
HELLO_ALL = message("HELLO", clientName="errand-test", compressions=1, checksums=1)
HEALTH, PING, PONG = message("Health", 1), message("PING", fields={"opaque": "5"}), message("PONG", fields={"opaque": "5"})
OK = lambda number, state=1: message("Health", number, True, fields={"state": state})


def agreed(**changes):
    return {**AGREED, **changes}


def welcome(**changes):
    return message("WELCOME", **{"serverName": "errand", **changes})


def squeezed(frames):
    raw = b"".join(frames)
    return segment(fixed_stream(raw), len(raw), True)


def good(name, spec, side, segments, frames, terms=AGREED, calls=()):
    vector = {"name": name, "spec": spec, "direction": side, "hex": (MAGIC + b"".join(segments)).hex(), "agreed": terms}
    return _with_calls(vector, calls) | {"frames": [f.hex() for f in frames]}


def bad(name, spec, error, side, data, terms=AGREED, calls=()):
    vector = {"name": name, "spec": spec, "direction": side, "hex": data.hex(), "agreed": terms}
    return _with_calls(vector, calls) | {"error": error, "closes_connection": True}


def _with_calls(vector, calls):
    if calls:
        vector["callsSent"] = [{"requestId": str(number), "opcode": opcode} for number, opcode in calls]
    return vector


def build_valid():
    first, c = segment(HELLO), "client"
    twelve = [describe(n, n) for n in range(1, 13)]
    yield good("HELLO alone", "3", c, [first], [HELLO])
    yield good("one call", "3", c, [first, segment(HEALTH, checksum=False)], [HELLO, HEALTH])
    yield good("one call with a checksum nobody asked for", "SEG-5", c, [first, segment(HEALTH)], [HELLO, HEALTH])
    yield good("twelve calls in one segment", "6", c, [first, segment(b"".join(twelve), checksum=False)], [HELLO, *twelve])
    yield good("twelve calls in twelve segments", "6", c, [first, *(segment(f, checksum=False) for f in twelve)], [HELLO, *twelve])
    yield good("ids with gaps", "CALL-2", c, [first, segment(describe(5) + describe(900) + describe(2**64 - 1), checksum=False)],
               [HELLO, describe(5), describe(900), describe(2**64 - 1)])
    cancel, late = message("CANCEL_CALL", 1), message("CANCEL_CALL", 77)
    yield good("calls and control messages mixed", "5", c, [first, segment(PING + HEALTH + cancel + PONG, checksum=False), segment(late)],
               [HELLO, PING, HEALTH, cancel, PONG, late])
    future = frame(0x7F, b"unknown", 1)
    yield good("unknown call opcode", "5", c, [first, segment(future + describe(2), checksum=False)], [HELLO, future, describe(2)])
    broken = frame(OPCODES["DescribeJobExecution"], b"\xff" * 5, 1, 0, 0, 2)
    yield good("malformed body of a call", "FRM-4", c, [first, segment(broken + describe(2), checksum=False)], [HELLO, broken, describe(2)])
    both = agreed(zlib=True, checksums=True)
    busy = busy_frames()
    yield good("checksums and zlib, each segment as it likes", "SEG-6", c,
               [segment(HELLO_ALL), squeezed(busy[:12]), segment(busy[12]), squeezed(busy[13:])], [HELLO_ALL, *busy], both)
    yield good("the same compressed segment layout twice", "SEG-7", c, [segment(HELLO_ALL), squeezed(busy[:12]), squeezed(busy[12:])],
               [HELLO_ALL, *busy], both)
    yield good("the whole window", "CALL-5", c, [first, segment(b"".join(twelve[:4]), checksum=False)], [HELLO, *twelve[:4]],
               agreed(callsInFlightMax=4))
    yield good("the whole byte window", "CALL-5", c, [first, segment(b"".join(twelve[:4]), checksum=False)], [HELLO, *twelve[:4]],
               agreed(bytesInFlightMax=sum(map(len, twelve[:4]))))
    yield good("one call above the byte window", "CALL-5", c, [first, segment(twelve[0], checksum=False)], [HELLO, twelve[0]], agreed(bytesInFlightMax=20))
    gone = message("CONNECTION_ERROR", status="PROTOCOL_ERROR", fields={"reason": 28, "message": "reply 9 answers nothing"})
    yield good("CONNECTION_ERROR from the client", "7.3", c, [first, segment(HEALTH, checksum=False), segment(gone)], [HELLO, HEALTH, gone])
    s, w = "server", welcome()
    yield good("WELCOME alone", "3", s, [segment(w)], [w])
    refused = message("CONNECTION_ERROR", status="PROTOCOL_ERROR", fields={"reason": 4, "message": "this server speaks version 1"})
    yield good("CONNECTION_ERROR instead of WELCOME", "CON-4", s, [segment(refused)], [refused])
    three = [OK(3), OK(1), OK(2)]
    calls = [(1, "Health"), (2, "Health"), (3, "Health")]
    yield good("replies in another order", "CALL-3", s, [segment(w), segment(three[0], checksum=False), segment(three[1] + three[2], checksum=False)],
               [w, *three], calls=calls)
    strange = message("Health", 1, True, "NOT_FOUND", {"applied": 0, "message": ""})
    strange = strange[:6] + b"\xc8" + strange[7:]
    yield good("reply with an unknown status", "10", s, [segment(w), segment(strange, checksum=False)], [w, strange], calls=calls[:1])
    goaway = message("GOAWAY", status="UNAVAILABLE", lastRequestId="2", graceMilliseconds=5000)
    yield good("GOAWAY, then the last replies", "7.5", s, [segment(w), segment(goaway, checksum=False), segment(OK(1, 2) + OK(2, 2), checksum=False)],
               [w, goaway, OK(1, 2), OK(2, 2)], calls=calls[:2])
    yield good("PING and PONG from the server", "7.4", s, [segment(w), segment(PING + PONG, checksum=False)], [w, PING, PONG])
    wz = welcome(compression=1, checksums=1)
    replies = [OK(number) for number in range(1, 41)]
    yield good("compressed replies", "SEG-6", s, [segment(wz), squeezed(replies)], [wz, *replies], both, [(n, "Health") for n in range(1, 41)])
    yield good("CONNECTION_ERROR after compressed replies", "CON-2", s, [segment(wz), squeezed(replies), segment(refused)], [wz, *replies, refused], both,
               [(n, "Health") for n in range(1, 41)])


def magic_faults():
    for name, error, data in (
            ("TLS client hello", "TLS_ON_PLAINTEXT", bytes.fromhex("16030100c8010000c40303")), ("TLS 1.3 record", "TLS_ON_PLAINTEXT", bytes.fromhex("1603030100")),
            ("HTTP GET", "HTTP_ON_PLAINTEXT", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), ("HTTP POST", "HTTP_ON_PLAINTEXT", b"POST /jobs HTTP/1.1\r\n"),
            ("HTTP PUT", "HTTP_ON_PLAINTEXT", b"PUT /jobs HTTP/1.1\r\n"), ("HTTP HEAD", "HTTP_ON_PLAINTEXT", b"HEAD / HTTP/1.1\r\n"),
            ("HTTP/2 preface", "HTTP_ON_PLAINTEXT", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), ("SSH", "BAD_MAGIC", b"SSH-2.0-OpenSSH_9.6\r\n"),
            ("zeros", "BAD_MAGIC", bytes(24)), ("0x16 without 0x03", "BAD_MAGIC", bytes.fromhex("1604000000000000")),
            ("HTTP DELETE", "BAD_MAGIC", b"DELETE / HTTP/1.1\r\n"), ("GETX", "BAD_MAGIC", b"GETX / HTTP/1.1\r\n"),
            ("magic with its line ends changed", "BAD_MAGIC", bytes.fromhex("894552440a1a0a") + segment(HELLO)),
            ("magic with 7 bits", "BAD_MAGIC", bytes.fromhex("094552440d0a1a0a") + segment(HELLO)),
            ("last byte of the magic wrong", "BAD_MAGIC", MAGIC[:7] + b"\x0b" + segment(HELLO)), ("no magic", "BAD_MAGIC", segment(HELLO))):
        yield bad(name, "CON-1", error, "client", data)
    yield bad("HTTP answer", "CON-1", "HTTP_ON_PLAINTEXT", "server", b"HTTP/1.1 400 Bad Request\r\n")
    yield bad("TLS alert", "CON-1", "TLS_ON_PLAINTEXT", "server", bytes.fromhex("16030100020228"))
    yield bad("a greeting in text", "CON-1", "BAD_MAGIC", "server", b"220 mail ready\r\n")


def hello_faults():
    c, odd = "client", "FRAME_UNEXPECTED"
    yield bad("call before HELLO", "FRM-3", odd, c, MAGIC + segment(HEALTH))
    yield bad("PING before HELLO", "FRM-3", odd, c, MAGIC + segment(PING))
    yield bad("WELCOME instead of HELLO", "FRM-3", odd, c, MAGIC + segment(welcome()))
    yield bad("a call in HELLO's segment", "CON-2", odd, c, MAGIC + segment(HELLO + HEALTH))
    yield bad("two HELLOs in one segment", "CON-2", odd, c, MAGIC + segment(HELLO + HELLO))
    yield bad("HELLO without a checksum", "CON-2", "SEGMENT_CHECKSUM_MISMATCH", c, MAGIC + segment(HELLO, checksum=False))
    yield bad("HELLO compressed", "CON-2", "COMPRESSION_NOT_AGREED", c, MAGIC + segment(fixed_stream(HELLO), 4000, True), agreed(zlib=True))
    yield bad("HELLO's segment above 4096 bytes", "SEG-2", "SEGMENT_TOO_LARGE", c, MAGIC + segment(frame(1, bytes(4097), 0, 2, 0, 5)))
    yield bad("HELLO malformed", "FRM-4", "CONTROL_MALFORMED", c, MAGIC + segment(frame(1, HELLO[16:-1], 0, 0, 0, 5)))
    yield bad("HELLO with segmentByteCountMax 65535", "7.1", "CONTROL_MALFORMED", c, MAGIC + segment(message("HELLO", segmentByteCountMax=65535)))
    yield bad("HELLO of version 2", "CON-4", "UNSUPPORTED_VERSION", c, MAGIC + segment(message("HELLO", versionMin=2, versionMax=2)))
    yield bad("HELLO with feature 7", "7.1", "FEATURE_UNKNOWN", c, MAGIC + segment(message("HELLO", features="128")))
    yield bad("HELLO with a credential", "7.1", "CREDENTIAL_REFUSED", c, MAGIC + segment(message("HELLO", credentialKind=1, credential="7365")))
    yield bad("HELLO with flag reply", "FRM-3", odd, c, MAGIC + segment(HELLO[:5] + b"\1" + HELLO[6:]))
    yield bad("HELLO with a status", "FRM-3", odd, c, MAGIC + segment(HELLO[:6] + b"\1" + HELLO[7:]))


def client_faults():
    c, odd, start = "client", "FRAME_UNEXPECTED", MAGIC + segment(HELLO)

    def later(name, spec, error, *frames, terms=AGREED):
        return bad(name, spec, error, c, start + b"".join(segment(f, checksum=False) for f in frames), terms)

    yield later("second HELLO", "FRM-3", odd, HELLO)
    yield later("second HELLO after a call", "FRM-3", odd, HEALTH, HELLO)
    yield later("call with flag reply", "FRM-3", odd, OK(1))
    yield later("call with a status", "FRM-3", odd, HEALTH[:6] + b"\5" + HEALTH[7:])
    yield later("PING with a status", "FRM-3", odd, PING[:6] + b"\1" + PING[7:])
    yield later("PONG with flag reply", "FRM-3", odd, PONG[:5] + b"\1" + PONG[6:])
    yield later("WELCOME from the client", "FRM-3", odd, welcome())
    yield later("GOAWAY from the client", "FRM-3", odd, message("GOAWAY"))
    for number in (0x00, 0x0E, 0x0F):
        yield later(f"unknown control opcode 0x{number:02X}", "5", odd, frame(number, b""))
    yield later("PING malformed", "FRM-4", "CONTROL_MALFORMED", frame(OPCODES["PING"], bytes(7), 0, 0, 0, 1))
    yield later("PING with a requestId", "5", "CONTROL_MALFORMED", PING[:8] + struct.pack("<Q", 3) + PING[16:])
    yield later("CANCEL_CALL with a body", "FRM-4", "CONTROL_MALFORMED", frame(OPCODES["CANCEL_CALL"], b"\0", 1))
    yield later("first id 0", "CALL-2", "REQUEST_ID_NOT_RISING", describe(0))
    yield later("same id twice in one segment", "CALL-2", "REQUEST_ID_NOT_RISING", describe(4) + describe(4))
    yield later("same id twice in two segments", "CALL-2", "REQUEST_ID_NOT_RISING", describe(4), describe(4))
    yield later("falling id", "CALL-2", "REQUEST_ID_NOT_RISING", describe(4) + describe(9), describe(8))
    yield later("id after the largest", "CALL-2", "REQUEST_ID_NOT_RISING", describe(2**64 - 1), describe(1))
    yield later("unknown opcode with an old id", "CALL-2", "REQUEST_ID_NOT_RISING", describe(4), frame(0x7F, b"", 4))
    five = [describe(n) for n in range(1, 6)]
    yield later("five calls in a window of four", "CALL-5", "WINDOW_EXCEEDED", b"".join(five), terms=agreed(callsInFlightMax=4))
    yield later("an unknown opcode counts in the window", "CALL-5", "WINDOW_EXCEEDED", b"".join(five[:4]) + frame(0x7F, b"", 9), terms=agreed(callsInFlightMax=4))
    yield later("one byte above the byte window", "CALL-5", "WINDOW_EXCEEDED", b"".join(five),
                terms=agreed(bytesInFlightMax=sum(map(len, five)) - 1))
    yield later("not compressed by agreement", "SEG-6", "COMPRESSION_NOT_AGREED", HEALTH) | {
        "hex": (start + squeezed(busy_frames())).hex()}
    yield later("no checksum though agreed", "SEG-5", "SEGMENT_CHECKSUM_MISMATCH", HEALTH, terms=agreed(checksums=True))
    yield later("frame flag in the second frame of a segment", "SEG-8", "FRAME_FLAGS_UNKNOWN", HEALTH + describe(2)[:5] + b"\x40" + describe(2)[6:])
    yield later("magic again", "4", "SEGMENT_HEADER_CORRUPT", HEALTH) | {"hex": (start + MAGIC + segment(HELLO)).hex()}
    two = squeezed(busy_frames()[:12])
    damaged = two[:40] + bytes([two[40] ^ 4]) + two[41:]
    yield later("second compressed segment damaged", "SEG-4", "SEGMENT_CHECKSUM_MISMATCH", HEALTH, terms=agreed(zlib=True, checksums=True)) | {
        "hex": (MAGIC + segment(HELLO_ALL) + squeezed(busy_frames()) + damaged).hex()}


def server_faults():
    s, odd, w = "server", "FRAME_UNEXPECTED", welcome()
    one = [(1, "Health")]

    def later(name, spec, error, *frames, calls=one):
        return bad(name, spec, error, s, MAGIC + segment(w) + b"".join(segment(f, checksum=False) for f in frames), AGREED, calls)

    yield bad("reply before WELCOME", "FRM-3", odd, s, MAGIC + segment(OK(1)), calls=one)
    yield bad("HELLO from the server", "FRM-3", odd, s, MAGIC + segment(HELLO))
    yield bad("a reply in WELCOME's segment", "CON-2", odd, s, MAGIC + segment(w + OK(1)), calls=one)
    yield bad("WELCOME of version 2", "7.2", "UNSUPPORTED_VERSION", s, MAGIC + segment(welcome(version=2)))
    yield bad("WELCOME malformed", "FRM-4", "CONTROL_MALFORMED", s, MAGIC + segment(frame(2, w[16:] + b"\0", 0, 0, 0, 8)))
    yield bad("WELCOME without a checksum", "CON-2", "SEGMENT_CHECKSUM_MISMATCH", s, MAGIC + segment(w, checksum=False))
    yield later("second WELCOME", "FRM-3", odd, w)
    yield later("HELLO after WELCOME", "FRM-3", odd, HELLO)
    yield later("CANCEL_CALL from the server", "FRM-3", odd, message("CANCEL_CALL", 1))
    yield later("call from the server", "FRM-3", odd, HEALTH)
    yield later("PING with flag reply from the server", "FRM-3", odd, PING[:5] + b"\1" + PING[6:])
    yield later("PING with a status from the server", "FRM-3", odd, PING[:6] + b"\1" + PING[7:])
    yield later("unknown control opcode 0x0E from the server", "5", odd, frame(0x0E, b""))
    yield later("GOAWAY malformed", "FRM-4", "CONTROL_MALFORMED", frame(OPCODES["GOAWAY"], bytes(24), 0, 0, 0, 3))
    yield later("reply to no call", "CALL-8", "UNREQUESTED_REPLY", OK(2))
    yield later("two replies to one call", "CALL-8", "UNREQUESTED_REPLY", OK(1), OK(1))
    yield later("reply with another opcode", "CALL-8", "UNREQUESTED_REPLY", OK(1), calls=[(1, "ServerInfo")])
    yield later("reply with an unknown opcode", "CALL-8", "UNREQUESTED_REPLY", frame(0x7F, b"", 1, 1))
    yield later("reply with id 0", "CALL-8", "UNREQUESTED_REPLY", OK(0))


def build():
    from vector_watch_streams import client_watch_faults, server_watch_faults, valid_watches
    return {"valid": [*build_valid(), *valid_watches()],
            "decode_errors": [*magic_faults(), *hello_faults(), *client_faults(), *server_faults(), *client_watch_faults(), *server_watch_faults()]}
