"""Builds segments.json."""

import struct
import zlib

import errand_wire as wire
from errand_wire import encode_message, frame, segment
from tiny_deflate import Deflate, fixed_stream, wrap

MAX = 262144


def describe(request_id, number=1):
    return encode_message("DescribeJobExecution", {"jobId": f"job-{number}", "thingName": f"thing-{number}"}, request_id)


def busy_frames():
    return [describe(number, number) for number in range(1, 25)]


def busy_raw():
    return b"".join(busy_frames())


def bomb_raw():
    return bytes(260000)


def header(payload_count, raw_count, flags, checksum=0, check=None):
    """A segment header with everything chosen by hand."""
    head = struct.pack("<IIH", payload_count, raw_count, flags)
    return head + struct.pack("<HI", zlib.crc32(head) & 0xFFFF if check is None else check, checksum)


def good(name, spec, data, frames, zlib_flag=False, checksum=True):
    return {"name": name, "spec": spec, "zlib": zlib_flag, "checksum": checksum, "hex": data.hex(), "frames": [f.hex() for f in frames]}


def bad(name, spec, error, data, agreed_zlib=True, agreed_checksums=False, most=MAX):
    return {"name": name, "spec": spec, "agreed": {"zlib": agreed_zlib, "checksums": agreed_checksums}, "segmentByteCountMax": most,
            "hex": data.hex(), "error": error, "closes_connection": True}


def build_valid():
    call, ping = describe(7), encode_message("PING", {"opaque": "1"})
    cancel = encode_message("CANCEL_CALL", {}, 7)
    update = encode_message("UpdateJobExecution", {
        "status": "SUCCEEDED", "mergeStatusDetails": False, "includeJobExecutionState": False, "includeJobDocument": False,
        "jobId": "job-1", "thingName": "thing-1"}, 8)
    unknown = frame(0x7F, b"future", 9, root_words=0)
    vectors = [good("one describe call", "4", segment(call), [call])]
    for name, frames in (("one frame without a body", [cancel]), ("three frames", [call, update, ping]), ("unknown opcode", [unknown]),
                         ("24 calls", busy_frames()), ("a frame longer than 64 KiB", [frame(0x7F, bytes(range(256)) * 257, 1)])):
        for checksum in (True, False):
            data = segment(b"".join(frames), checksum=checksum)
            vectors.append(good(name + ("" if checksum else " without checksum"), "4", data, frames, checksum=checksum))
    vectors.append(good("one describe call without checksum", "4", segment(call, checksum=False), [call], checksum=False))
    return vectors


def blocks(parts):
    """One stream from (kind, bytes) parts; the last part ends it."""
    writer, history = Deflate(), b""
    for index, (kind, data) in enumerate(parts):
        final = index == len(parts) - 1
        if kind == "stored":
            writer.stored(data, final)
        else:
            writer.fixed(data, history, final, kind == "fixed")
        history += data
    return wrap(writer.bytes(), history)


def build_degenerate():
    from recorded_zlib import STREAMS
    frames, raw = busy_frames(), busy_raw()
    streams = [("fixed Huffman with matches", fixed_stream(raw)),
               ("a stored block, then fixed Huffman", blocks([("stored", raw[:200]), ("fixed", raw[200:])])),
               ("fixed Huffman, then a stored block that ends the stream", blocks([("fixed", raw[:-100]), ("stored", raw[-100:])])),
               ("many blocks", blocks([("literals", raw[:50]), ("fixed", raw[50:700]), ("stored", b""), ("fixed", raw[700:701]),
                                       ("stored", raw[701:760]), ("fixed", raw[760:])])),
               ("empty blocks at both ends", blocks([("stored", b""), ("stored", b""), ("fixed", raw), ("stored", b""), ("fixed", b"")])),
               ("header of level 0", fixed_stream(raw, b"\x78\x01")), ("header of level 9", fixed_stream(raw, b"\x78\xda"))]
    streams += [("zlib " + name, stream) for name, stream in STREAMS.items() if name != "bomb"]
    vectors = []
    for name, stream in streams:
        assert zlib.decompress(stream) == raw
        for checksum in (True, False):
            vectors.append(good(name + ("" if checksum else ", no checksum"), "SEG-7", segment(stream, len(raw), True, checksum), frames, True, checksum))
    zeros = [frame(0x7F, bytes(8000), 1)]
    writer = Deflate()
    writer.fixed(zeros[0])
    vectors.append(good("a payload of almost only zeros", "SEG-7", segment(wrap(writer.bytes(), zeros[0]), len(zeros[0]), True), zeros, True))
    small = [describe(1), describe(1)]
    vectors.append(good("far fewer than 512 bytes", "SEG-9", segment(fixed_stream(b"".join(small)), len(b"".join(small)), True), small, True))
    return vectors


def header_faults():
    call = describe(7)
    plain, checked = segment(call, checksum=False), segment(call)
    flip = lambda data, at, mask=1: data[:at] + bytes([data[at] ^ mask]) + data[at + 1:]
    yield bad("headerCheck wrong", "SEG-1", "SEGMENT_HEADER_CORRUPT", flip(plain, 10))
    for at in (0, 3, 4, 8):
        yield bad(f"one bit of header byte {at} flipped", "SEG-1", "SEGMENT_HEADER_CORRUPT", flip(checked, at))
    yield bad("all zero", "SEG-1", "SEGMENT_HEADER_CORRUPT", bytes(16))
    yield bad("all ones", "SEG-1", "SEGMENT_HEADER_CORRUPT", b"\xff" * 16)
    yield bad("ASCII text", "SEG-1", "SEGMENT_HEADER_CORRUPT", b"GET / HTTP/1.1\r\n")
    yield bad("headerCheck wrong and everything else too", "SEG-1", "SEGMENT_HEADER_CORRUPT", header(0, 2**32 - 1, 0xFFFF, 1, 0))
    for bit in (2, 7, 8, 15):
        yield bad(f"flag bit {bit}", "SEG-1", "SEGMENT_FLAGS_UNKNOWN", header(len(call), len(call), 1 << bit) + call)
    yield bad("flag bit 2 and a length too large", "SEG-1", "SEGMENT_FLAGS_UNKNOWN", header(2**32 - 1, 2**32 - 1, 4))
    yield bad("checksum field without its flag", "SEG-4", "SEGMENT_HEADER_CORRUPT", header(len(call), len(call), 0, zlib.crc32(call)) + call)
    yield bad("one above the maximum", "SEG-2", "SEGMENT_TOO_LARGE", header(MAX + 1, MAX + 1, 0))
    yield bad("length 4294967295", "SEG-2", "SEGMENT_TOO_LARGE", header(2**32 - 1, 2**32 - 1, 0))
    yield bad("rawByteCount above the maximum, compressed", "SEG-2", "SEGMENT_TOO_LARGE", header(1000, MAX + 1, 1))
    yield bad("above the maximum before WELCOME", "SEG-2", "SEGMENT_TOO_LARGE", header(4097, 4097, 2), False, most=4096)
    yield bad("above a smaller maximum", "SEG-2", "SEGMENT_TOO_LARGE", header(65537, 65537, 2), most=65536)
    yield bad("both lengths 0", "SEG-2", "SEGMENT_LENGTH_INVALID", header(0, 0, 0))
    yield bad("both lengths 15", "SEG-2", "SEGMENT_LENGTH_INVALID", header(15, 15, 0) + call[:15])
    yield bad("compressed to nothing", "SEG-2", "SEGMENT_LENGTH_INVALID", header(0, 48, 1))
    yield bad("compressed with rawByteCount 15", "SEG-2", "SEGMENT_LENGTH_INVALID", header(10, 15, 1) + bytes(10))
    yield bad("stored, rawByteCount larger", "SEG-3", "SEGMENT_LENGTH_INVALID", header(len(call), len(call) + 1, 0) + call)
    yield bad("stored, rawByteCount smaller", "SEG-3", "SEGMENT_LENGTH_INVALID", header(len(call), len(call) - 1, 0) + call)
    yield bad("compressed to the same length", "SEG-3", "SEGMENT_LENGTH_INVALID", header(48, 48, 1))
    yield bad("compressed to more", "SEG-3", "SEGMENT_LENGTH_INVALID", header(49, 48, 1))
    yield bad("no checksum though agreed", "SEG-5", "SEGMENT_CHECKSUM_MISMATCH", plain, agreed_checksums=True)
    yield bad("checksum wrong", "SEG-4", "SEGMENT_CHECKSUM_MISMATCH", header(len(call), len(call), 2, zlib.crc32(call) ^ 1) + call)
    yield bad("checksum 0", "SEG-4", "SEGMENT_CHECKSUM_MISMATCH", header(len(call), len(call), 2, 0) + call, agreed_checksums=True)
    yield bad("first payload bit flipped", "SEG-4", "SEGMENT_CHECKSUM_MISMATCH", flip(checked, 16))
    yield bad("last payload bit flipped", "SEG-4", "SEGMENT_CHECKSUM_MISMATCH", flip(checked, len(checked) - 1, 128))


def compression_faults():
    from recorded_zlib import STREAMS
    raw, bomb, bomb_count = busy_raw(), STREAMS["bomb"], len(bomb_raw())
    stream, count = fixed_stream(raw), len(raw)
    adler = struct.unpack(">I", stream[-4:])[0]
    assert zlib.decompress(bomb) == bomb_raw() and len(bomb) * 900 < bomb_count

    def make(name, error, payload, raw_count=count, spec="SEG-7", **more):
        return bad(name, spec, error, segment(payload, raw_count, True), **more)

    yield make("zlib not agreed", "COMPRESSION_NOT_AGREED", stream, spec="SEG-6", agreed_zlib=False)
    yield bad("zlib not agreed, payload not sent", "SEG-6", "COMPRESSION_NOT_AGREED", header(48, 500, 1), agreed_zlib=False)
    flipped = segment(stream, count, True)
    yield bad("checksum wrong, seen before inflating", "SEG-4", "SEGMENT_CHECKSUM_MISMATCH", flipped[:18] + b"\xff\xff" + flipped[20:])
    for name, payload in (
            ("zlib header check wrong", b"\x78\x9d" + stream[2:]), ("gzip header", bytes.fromhex("1f8b0800000000000003") + stream[2:]),
            ("deflate without a zlib header", stream[2:-4]), ("method 7", b"\x77\x85" + stream[2:]), ("window of 16 bits", b"\x88\x1c" + stream[2:]),
            ("preset dictionary", b"\x78\xbb" + struct.pack(">I", zlib.adler32(b"job-thing-")) + stream[2:]),
            ("reserved block type", b"\x78\x9c\x07" + stream[3:]), ("Adler-32 wrong", stream[:-4] + struct.pack(">I", adler ^ 1)),
            ("Adler-32 with its bytes reversed", stream[:-4] + struct.pack("<I", adler)),
            ("stored block with a wrong complement", b"\x78\x9c\x01\x05\x00\x00\x00hello" + stream[-4:])):
        yield make(name, "COMPRESSION_CORRUPT", payload)
    writer = Deflate()
    writer.begin_fixed(True)
    for byte in raw[:20]:
        writer.symbol(byte)
    writer.match(10, 300)
    writer.symbol(256)
    yield make("match before the start of the stream", "COMPRESSION_CORRUPT", wrap(writer.bytes(), raw[:20]))
    yield make("Adler-32 wrong and fewer bytes than declared", "COMPRESSION_CORRUPT", stream[:-4] + bytes(4), count + 16)
    for name, payload in (("cut after one byte", stream[:1]), ("cut after its header", stream[:2]), ("cut in the middle", stream[:len(stream) // 2]),
                          ("cut before its Adler-32", stream[:-4]), ("cut in its Adler-32", stream[:-1])):
        yield make(name, "COMPRESSION_TRUNCATED", payload)
    open_end = Deflate()
    open_end.fixed(raw, final=False)
    open_end.stored(b"")
    yield make("all bytes, but no final block", "COMPRESSION_TRUNCATED", b"\x78\x9c" + open_end.bytes())
    yield make("rawByteCount one too small", "COMPRESSION_LENGTH_MISMATCH", stream, count - 1)
    yield make("rawByteCount one too large", "COMPRESSION_LENGTH_MISMATCH", stream, count + 1)
    yield make("rawByteCount 16 too large", "COMPRESSION_LENGTH_MISMATCH", stream, count + 16)
    yield make("rawByteCount half", "COMPRESSION_LENGTH_MISMATCH", stream, count // 2)
    yield make("rawByteCount the maximum", "COMPRESSION_LENGTH_MISMATCH", stream, MAX)
    yield make("too many bytes and a wrong Adler-32", "COMPRESSION_LENGTH_MISMATCH", stream[:-4] + bytes(4), count - 1)
    yield make("too many bytes and trailing bytes", "COMPRESSION_LENGTH_MISMATCH", stream + b"\0", count - 1)
    yield make("empty stream", "COMPRESSION_LENGTH_MISMATCH", fixed_stream(b""), 48)
    yield make("bomb of 1000:1 with a rawByteCount too small", "COMPRESSION_LENGTH_MISMATCH", bomb, len(bomb) + 1)
    yield make("bomb of 1000:1, one byte more than declared", "COMPRESSION_LENGTH_MISMATCH", bomb, bomb_count - 1)
    yield make("bomb of 1000:1, one byte fewer than declared", "COMPRESSION_LENGTH_MISMATCH", bomb, bomb_count + 1)
    yield make("bomb of 1000:1, all declared, above the maximum", "SEGMENT_TOO_LARGE", bomb, bomb_count, "SEG-2", most=65536)
    yield make("one byte after the stream", "COMPRESSION_TRAILING_BYTES", stream + b"\0")
    yield make("two streams", "COMPRESSION_TRAILING_BYTES", stream + fixed_stream(b"more"))


def frame_faults():
    call, second = describe(7), describe(8)
    over = struct.pack("<I", len(call) - 16 + 1) + call[4:]
    huge = struct.pack("<I", 2**32 - 1) + call[4:]
    for name, payload in (("frame one byte too long", over), ("frame of 4294967295 bytes", huge), ("second frame too long", call + over),
                          ("one byte left over", call + b"\0"), ("15 bytes left over", call + second[:15]),
                          ("a frame header whose body is in the next segment", call + second[:16])):
        yield bad(name, "SEG-8", "FRAME_OVERRUNS_SEGMENT", segment(payload))
    yield bad("compressed, frame one byte too long", "SEG-8", "FRAME_OVERRUNS_SEGMENT",
              segment(fixed_stream(call + second + over), 3 * len(call), True))
    for bit in (2, 4, 7):
        odd = call[:5] + bytes([1 << bit]) + call[6:]
        yield bad(f"frame flag bit {bit}", "FRM-2", "FRAME_FLAGS_UNKNOWN", segment(odd))
    yield bad("frame flag bit 3 in the second frame", "FRM-2", "FRAME_FLAGS_UNKNOWN", segment(call + second[:5] + b"\x08" + second[6:]))


def build():
    assert wire.split_frames(busy_raw()) == busy_frames()
    return {"valid": build_valid(), "degenerate": build_degenerate(),
            "decode_errors": [*header_faults(), *compression_faults(), *frame_faults()]}
