"""Errand's wire format, version 1: messages, frames and segments; encode and strict decode.

Fields are dictionaries as in the vectors (CONFORMANCE.md): 64-bit integers are decimal strings,
statusDetails a list of pairs, byte strings and keys are hex. Faults raise WireError with the spec's name.
"""

import struct
import zlib

from errand_configuration import ABORT, block_fault, decode_abort, encode_aborts, flatten, nest
from errand_layout import (EVENT, EXECUTION_STATUS, FAILURE, FIRST_CALL_OPCODE, JOB_STATUS, NAME_A_CALL, OPCODE_NAMES, OPCODES,
                           STATUS, STATUS_NAMES, layout_of)
from errand_limits import check, check_together
from errand_watches import JOB_KINDS, control_fault, event_fault

FLAG_REPLY, FLAG_TAIL = 1, 2
FLAG_ZLIB, FLAG_CHECKSUM = 1, 2
HEADER = struct.Struct("<IBBBBQ")
RECORD = struct.Struct("<IBBBB")
FORMATS = {"u8": "<B", "u16": "<H", "u32": "<I", "u64": "<Q", "i64": "<q"}
MAGIC = bytes.fromhex("894552440D0A1A0A")


class WireError(Exception):
    def __init__(self, name, detail="", item=None):
        super().__init__(f"{name}: {detail}")
        self.name, self.detail, self.item = name, detail, item


def malformed(detail):
    return WireError("MALFORMED", detail)


# -- encoding ------------------------------------------------------------------------------------

def _status_names(field, fields):
    """The list that a status field is of; None if it is no status."""
    kind = fields["kind"] if field.type == "eventStatus" else None
    if field.type == "jobStatus" or kind in JOB_KINDS:
        return JOB_STATUS
    return EXECUTION_STATUS if field.type == "executionStatus" or kind else None


def _encode_root_value(field, value, fields):
    names = _status_names(field, fields)
    if names:
        return bytes([names.index(value) + 1])
    if field.type == "bool" or field.type.startswith("enum:"):
        return bytes([int(value)])
    if field.type == "key":
        return bytes.fromhex(value)
    return struct.pack(FORMATS[field.type], int(value))


def _text16(text):
    raw = text.encode()
    return struct.pack("<H", len(raw)) + raw


def _encode_variable(field, value):
    kind = field.type
    if kind == "text16":
        return _text16(value or "")
    if kind == "text32":
        raw = (value or "").encode()
        return struct.pack("<I", len(raw)) + raw
    if kind == "bytes16":
        raw = bytes.fromhex(value or "")
        return struct.pack("<H", len(raw)) + raw
    if kind == "aborts":
        return encode_aborts(value)
    if kind == "details":
        return struct.pack("<H", len(value or [])) + b"".join(_text16(k) + _text16(v) for k, v in value or [])
    return struct.pack("<I", len(value)) + b"".join(_text16(name) for name in value)


def encode_body(layout, fields):
    """The body, and the spans [(name, start, end)] of its variable fields and records."""
    if layout.may_be_empty and not fields:
        return b"", []
    fields = flatten(fields)
    body, presence, spans = bytearray(layout.root), 0, []
    for field in layout.fields + layout.variable:
        if field.bit is not None and field.name in fields:
            presence |= 1 << field.bit
    for field in layout.fields:
        value = presence if field.name == "presence" else fields.get(field.name)
        if not field.reserved and value is not None:
            body[field.offset:field.offset + field.width] = _encode_root_value(field, value, fields)
    for field in layout.variable:
        start = len(body)
        body += _encode_variable(field, fields.get(field.name))
        spans.append((field.name, start, len(body)))
    if layout.records:
        name, element, _ = layout.records
        for index, record in enumerate(fields[name]):
            start = len(body)
            body += encode_record(element, record["fields"], record["status"]) if name == "items" else encode_record(element, record)
            spans.append((f"{name}[{index}]", start, len(body)))
    return bytes(body), spans


def encode_record(element, fields, status="OK"):
    layout = element if status == "OK" else FAILURE
    body, _ = encode_body(layout, fields)
    return RECORD.pack(len(body), STATUS[status], 0, layout.root // 8 if body else 0, 0) + body


def frame(opcode, body=b"", request_id=0, flags=0, status=0, root_words=0):
    return HEADER.pack(len(body), opcode, flags, status, root_words, request_id) + body


def encode_message(opcode, fields, request_id=0, reply=False, status="OK"):
    layout = layout_of(opcode, reply, STATUS[status])
    body, _ = encode_body(layout, fields)
    words = layout.root // 8 if body else 0
    return frame(OPCODES[opcode], body, int(request_id), FLAG_REPLY if reply else 0, STATUS[status], words)


# -- decoding ------------------------------------------------------------------------------------

class Reader:
    def __init__(self, data, position, problems):
        self.data, self.position, self.problems = data, position, problems

    def take(self, count):
        if self.position + count > len(self.data):
            raise malformed("cut short")
        self.position += count
        return self.data[self.position - count:self.position]

    def number(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def text(self, form="<H"):
        raw = self.take(self.number(form))
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            self.problems.append("not UTF-8")
            return None

    def abort(self):
        criterion = decode_abort(self.take(ABORT.size))
        if criterion is None:
            raise malformed("abort criterion")
        return criterion

    def variable(self, kind):
        """The count and the value."""
        start = self.position
        width = 4 if kind in ("text32", "names") else 2
        count = int.from_bytes(self.take(width), "little")
        if kind == "details":
            return count, [[self.text(), self.text()] for _ in range(count)]
        if kind == "aborts":
            return count, [self.abort() for _ in range(count)]
        if kind == "names":
            return count, [self.text() for _ in range(count)]
        self.position = start
        if kind == "bytes16":
            return count, self.take(2 + count)[2:].hex()
        return count, self.text("<I" if kind == "text32" else "<H")


def _decode_root_value(field, raw, fields):
    if field.type == "key":
        return raw.hex()
    number = int.from_bytes(raw, "little", signed=field.type == "i64")
    if field.type == "bool":
        if number > 1:
            raise malformed(field.name)
        return bool(number)
    names = _status_names(field, fields)
    if names:
        if not 1 <= number <= len(names):
            raise malformed(field.name)
        return names[number - 1]
    if field.type.startswith("enum:") and str(number) not in field.type[5:].split(","):
        raise malformed(field.name)
    return str(number) if field.width == 8 else number


def _decode_records(layout, reader, fields, limits):
    name, element, count_names = layout.records
    fields[name], broken_items = [], []
    for index in range(sum(fields[c] for c in count_names)):
        length, status, flags, words, reserved = RECORD.unpack(reader.take(8))
        if flags & ~FLAG_TAIL or reserved:
            raise malformed("record header")
        is_reply = name == "items" and not limits
        if status and not is_reply:
            raise malformed("record status")
        problems = []
        body = reader.take(length)
        single = element if status == 0 else FAILURE
        values = decode_body(single, body, words, bool(flags & FLAG_TAIL), limits, problems, in_batch=name == "items" and limits)
        if problems and limits:
            broken_items.append((index, problems[0]))
        else:
            reader.problems += problems
        status_name = STATUS_NAMES.get(status, "UNKNOWN")
        fields[name].append({"status": status_name, "fields": values} if name == "items" else values)
    return broken_items


def decode_body(layout, body, words, tail, limits, problems, in_batch=False, broken_items=None):
    """The fields. Raises MALFORMED; what is merely outside its limits is appended to `problems`."""
    if layout.may_be_empty and words == 0 and not body and not tail:
        return {}
    if words * 8 > len(body) or words * 8 < layout.root:
        raise malformed("root block length")
    presence = int.from_bytes(body[:4], "little") if layout.has_presence else 0
    if presence & 0xFFFF & ~layout.known_bits or (in_batch and presence & 1):
        raise malformed("presence")
    if layout is FAILURE and presence & 0b110 == 0b100:
        raise malformed("statusDetails without a state")
    fields = {}
    for field in layout.fields:
        raw = body[field.offset:field.offset + field.width]
        if field.reserved:
            if any(raw):
                raise malformed("reserved")
        elif field.name != "presence" and (field.bit is None or presence >> field.bit & 1):
            fields[field.name] = _decode_root_value(field, raw, fields)
    fault = block_fault(presence, fields) if layout.has_configuration else None
    if fault:
        raise malformed(fault)
    reader = Reader(body, words * 8, problems)
    for field in layout.variable:
        count, value = reader.variable(field.type)
        if field.most is not None and count > field.most:
            raise malformed(f"{field.name} above its limit")
        if field.bit is None or presence >> field.bit & 1:
            fields[field.name] = value
        elif count:
            raise malformed(f"{field.name} is absent but not empty")
    if layout.records:
        items = _decode_records(layout, reader, fields, limits)
        if broken_items is not None:
            broken_items += items
    fault = event_fault(fields) if layout is EVENT else None
    if fault:
        raise malformed(fault)
    if tail:
        while reader.position < len(body):
            tag, count = reader.number("<H"), reader.number("<H")
            reader.take(count)
            if tag < 0x8000:
                raise malformed("tail tag")
    if reader.position < len(body):
        raise malformed("trailing bytes")
    if limits and not problems:
        for field in layout.fields + layout.variable:
            if field.rule and field.name in fields and not check(field.rule, fields[field.name]):
                problems.append(field.name)
        if not problems and not check_together(layout.name, fields):
            problems.append("fields that exclude each other")
    return nest(fields) if layout.has_configuration else fields


def decode_message(direction, data):
    """One whole frame, header and body, of a known opcode. Raises MALFORMED or INVALID_FIELD for calls and
    replies (with .item set when only that item of a batch is invalid), reasons of section 11 for control messages."""
    length, opcode, flags, status, words, request_id = HEADER.unpack(data[:16])
    assert len(data) == 16 + length
    name, reply = OPCODE_NAMES[opcode], bool(flags & FLAG_REPLY)
    control = opcode < FIRST_CALL_OPCODE
    limits = (direction == "client" and not control) or name in ("HELLO", "WELCOME")
    problems, broken_items = [], []
    try:
        fields = decode_body(layout_of(name, reply, status), data[16:], words, bool(flags & FLAG_TAIL), limits,
                             problems, broken_items=broken_items)
        if control and request_id and name not in NAME_A_CALL:
            raise malformed("requestId")
        fault = control_fault(name, status, fields)
        if fault:
            raise malformed(fault)
    except WireError as error:
        raise WireError("CONTROL_MALFORMED", error.detail) if control else error
    if problems:
        raise WireError("CONTROL_MALFORMED" if control else "INVALID_FIELD", problems[0])
    if broken_items:
        raise WireError("INVALID_FIELD", broken_items[0][1], item=broken_items[0][0])
    if name in ("HELLO", "WELCOME"):
        low, high = (fields["versionMin"], fields["versionMax"]) if name == "HELLO" else (fields["version"],) * 2
        if not low <= 1 <= high:
            raise WireError("UNSUPPORTED_VERSION", f"{low} to {high}")
        if int(fields["features"]) & 0xFFFFFFFF:
            raise WireError("FEATURE_UNKNOWN", fields["features"])
    if name == "HELLO" and fields["credentialKind"]:
        raise WireError("CREDENTIAL_REFUSED", str(fields["credentialKind"]))
    return {"opcode": name, "reply": reply, "status": STATUS_NAMES.get(status, "UNKNOWN"),
            "requestId": str(request_id), "fields": fields}


# -- segments --------------------------------------------------------------------------------------

def segment(payload, raw_count=None, zlib_flag=False, checksum=True, flags=None):
    """A segment of these payload bytes. raw_count is the declared one; flags overrides the two booleans."""
    flags = (FLAG_ZLIB if zlib_flag else 0) | (FLAG_CHECKSUM if checksum else 0) if flags is None else flags
    head = struct.pack("<IIH", len(payload), len(payload) if raw_count is None else raw_count, flags)
    return head + struct.pack("<HI", zlib.crc32(head) & 0xFFFF, zlib.crc32(payload) if flags & FLAG_CHECKSUM else 0) + payload


def check_segment_header(header, agreed_zlib, agreed_checksums, byte_count_max):
    payload_count, raw_count, flags, header_check, checksum = struct.unpack("<IIHHI", header)
    if zlib.crc32(header[:10]) & 0xFFFF != header_check:
        raise WireError("SEGMENT_HEADER_CORRUPT", "headerCheck")
    if flags & ~3:
        raise WireError("SEGMENT_FLAGS_UNKNOWN", hex(flags))
    if checksum and not flags & FLAG_CHECKSUM:
        raise WireError("SEGMENT_HEADER_CORRUPT", "checksum without its flag")
    if max(payload_count, raw_count) > byte_count_max:
        raise WireError("SEGMENT_TOO_LARGE", str(max(payload_count, raw_count)))
    stored = not flags & FLAG_ZLIB
    if payload_count < 1 or raw_count < 16 or (payload_count != raw_count if stored else payload_count >= raw_count):
        raise WireError("SEGMENT_LENGTH_INVALID", f"{payload_count} {raw_count}")
    if agreed_checksums and not flags & FLAG_CHECKSUM:
        raise WireError("SEGMENT_CHECKSUM_MISMATCH", "missing")
    if not stored and not agreed_zlib:
        raise WireError("COMPRESSION_NOT_AGREED")
    return payload_count, raw_count, flags, checksum


def inflate(payload, raw_count):
    machine = zlib.decompressobj(15)
    try:
        out = machine.decompress(payload, raw_count + 1)
    except zlib.error as error:
        # zlib drops what it made before the fault, so count it byte by byte: an overflow before it comes first.
        machine, out = zlib.decompressobj(15), b""
        try:
            for byte in payload:
                out += machine.decompress(bytes([byte]))
        except zlib.error:
            pass
        name = "COMPRESSION_LENGTH_MISMATCH" if len(out) > raw_count else "COMPRESSION_CORRUPT"
        raise WireError(name, str(error)) from None
    if len(out) > raw_count:
        raise WireError("COMPRESSION_LENGTH_MISMATCH", "more")
    if not machine.eof:
        raise WireError("COMPRESSION_TRUNCATED")
    if len(out) < raw_count:
        raise WireError("COMPRESSION_LENGTH_MISMATCH", "fewer")
    if machine.unused_data:
        raise WireError("COMPRESSION_TRAILING_BYTES")
    return out


def split_frames(raw):
    frames, position = [], 0
    while position < len(raw):
        if position + 16 > len(raw):
            raise WireError("FRAME_OVERRUNS_SEGMENT", "header")
        length, _, flags = struct.unpack_from("<IBB", raw, position)
        if flags & ~3:
            raise WireError("FRAME_FLAGS_UNKNOWN", hex(flags))
        end = position + 16 + length
        if end > len(raw):
            raise WireError("FRAME_OVERRUNS_SEGMENT", "body")
        frames.append(raw[position:end])
        position = end
    return frames


def decode_segment(data, agreed_zlib, agreed_checksums, byte_count_max):
    """The frames of the first segment of `data`, and the bytes it took; (None, 0) when more bytes are needed."""
    if len(data) < 16:
        return None, 0
    payload_count, raw_count, flags, checksum = check_segment_header(data[:16], agreed_zlib, agreed_checksums, byte_count_max)
    if len(data) < 16 + payload_count:
        return None, 0
    payload = data[16:16 + payload_count]
    if flags & FLAG_CHECKSUM and zlib.crc32(payload) != checksum:
        raise WireError("SEGMENT_CHECKSUM_MISMATCH", "differs")
    return split_frames(inflate(payload, raw_count) if flags & FLAG_ZLIB else payload), 16 + payload_count
