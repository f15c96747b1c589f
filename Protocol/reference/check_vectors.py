"""Reads the vectors on disk with the reference decoder, as a conformance runner does (CONFORMANCE.md)."""

import json
import pathlib
import sys

from errand_layout import OPCODES
from errand_stream import StreamReader
from errand_wire import WireError, decode_message, decode_segment, encode_message

VECTORS = pathlib.Path(__file__).resolve().parent.parent / "vectors"


def error_of(action):
    try:
        action()
    except WireError as error:
        return error
    return None


def check_messages(groups, fail):
    for group in ("valid", "degenerate"):
        for vector in groups[group]:
            data = bytes.fromhex(vector["hex"])
            got = decode_message(vector["direction"], data)
            if any(got[key] != vector[key] for key in got):
                fail(group, vector, "decodes to something else")
            if group == "valid" and data != encode_message(vector["opcode"], vector["fields"], vector["requestId"],
                                                           vector["reply"], vector["status"]):
                fail(group, vector, "encodes to other bytes")
    for vector in groups["decode_errors"]:
        error = error_of(lambda: decode_message(vector["direction"], bytes.fromhex(vector["hex"])))
        if error is None or error.name != vector["error"] or error.item != vector.get("item"):
            fail("decode_errors", vector, error)


def check_segments(groups, fail):
    for group in ("valid", "degenerate"):
        for vector in groups[group]:
            data = bytes.fromhex(vector["hex"])
            for copies in (1, 2):
                rest, frames = data * copies, []
                while rest:
                    found, used = decode_segment(rest, vector["zlib"], vector["checksum"], 262144)
                    frames += found
                    rest = rest[used:]
                if [f.hex() for f in frames] != vector["frames"] * copies:
                    fail(group, vector, "other frames")
            if any(decode_segment(data[:n], True, False, 262144)[0] is not None for n in range(min(len(data), 400))):
                fail(group, vector, "complete too early")
    for vector in groups["decode_errors"]:
        terms = vector["agreed"]
        error = error_of(lambda: decode_segment(bytes.fromhex(vector["hex"]), terms["zlib"], terms["checksums"], vector["segmentByteCountMax"]))
        if error is None or error.name != vector["error"]:
            fail("decode_errors", vector, error)


def pieces(data):
    """The whole, byte by byte, and in two parts at every point (at most 600 of them)."""
    yield [data]
    yield [data[i:i + 1] for i in range(len(data))]
    for at in range(1, min(len(data), 600)):
        yield [data[:at], data[at:]]


def check_streams(groups, fail):
    def read(vector, parts):
        calls = {int(c["requestId"]): OPCODES[c["opcode"]] for c in vector.get("callsSent", [])}
        reader = StreamReader(vector["direction"], vector["agreed"], calls)
        return [f.hex() for part in parts for f in reader.feed(part)]

    for vector in groups["valid"]:
        for parts in pieces(bytes.fromhex(vector["hex"])):
            if read(vector, parts) != vector["frames"]:
                fail("valid", vector, "other frames")
    for vector in groups["decode_errors"]:
        for parts in pieces(bytes.fromhex(vector["hex"])):
            error = error_of(lambda: read(vector, parts))
            if error is None or error.name != vector["error"]:
                fail("decode_errors", vector, error)
                break


def main():
    failures = []

    for path in sorted(VECTORS.glob("*.json")):
        groups = json.loads(path.read_text(encoding="utf-8"))

        def fail(group, vector, what):
            failures.append(f"{path.name} {group} {vector['name']}: {what}")

        {"messages": check_messages, "segments": check_segments, "streams": check_streams}[groups["kind"]](groups, fail)
        print(path.name, {name: len(value) for name, value in groups.items() if isinstance(value, list)})
    print("\n".join(failures) or "all as expected")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
