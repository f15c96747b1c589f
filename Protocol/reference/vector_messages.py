"""Builds the message vectors: valid ones from vector_cases.py, vector_operations.py and vector_watches.py, degenerate and faulty ones by systematic changes."""

import struct

from errand_configuration import flatten
from errand_layout import CONTROL, EXECUTION_STATUS, FAILURE, JOB_STATUS, NAME_A_CALL, OPCODES, STATUS, layout_of
from errand_wire import FLAG_REPLY, FLAG_TAIL, RECORD, encode_body, frame
from vector_watches import CASES

REQUEST_ID, LONG_REQUEST_ID = 7, 0x0102030405060708
BAD_UTF8 = [("a stray byte", b"~\xff~~"), ("an overlong form", b"~\xc0\x80~"), ("a surrogate", b"~\xed\xa0\x80"),
            ("a cut sequence", b"~~~\xe2"), ("a scalar above U+10FFFF", b"\xf4\x90\x80\x80")]
MARK = "~~~~"
COUNT_WIDTH = {"text16": 2, "bytes16": 2, "details": 2, "aborts": 2, "text32": 4, "names": 4}


class Builder:
    """Collects the vectors of one case."""

    def __init__(self, case, out):
        self.case, self.out = case, out
        self.control = case.opcode in CONTROL
        self.layout = layout_of(case.opcode, case.reply, STATUS[case.status])
        self.malformed = "CONTROL_MALFORMED" if self.control else "MALFORMED"
        self.invalid = "CONTROL_MALFORMED" if self.control else "INVALID_FIELD"
        has_id = not self.control or case.opcode in NAME_A_CALL
        self.id, self.long_id = (REQUEST_ID, LONG_REQUEST_ID) if has_id else (0, 0)
        self.utf8_turn = 0

    def frame(self, body, words=None, tail=False, request_id=None, status=None):
        words = (self.layout.root // 8 if body else 0) if words is None else words
        flags = (FLAG_REPLY if self.case.reply else 0) | (FLAG_TAIL if tail else 0)
        return frame(OPCODES[self.case.opcode], body, self.id if request_id is None else request_id, flags,
                     STATUS[self.case.status] if status is None else status, words)

    def good(self, kind, name, fields, data, spec=None, status=None, request_id=None):
        self.out[kind].append({
            "name": f"{self.case.label} {name}", "spec": spec or self.case.spec, "direction": self.case.direction,
            "opcode": self.case.opcode, "reply": self.case.reply, "status": status or self.case.status,
            "requestId": str(self.id if request_id is None else request_id), "hex": data.hex(), "fields": fields})

    def valid(self, name, fields, request_id=None, status=None):
        layout = self.layout if status is None else layout_of(self.case.opcode, self.case.reply, STATUS[status])
        body, _ = encode_body(layout, fields)
        words = layout.root // 8 if body else 0
        number = None if status is None else STATUS[status]
        self.good("valid", name, fields, self.frame(body, words, request_id=request_id, status=number), status=status, request_id=request_id)

    def bad(self, name, spec, data, error=None, item=None):
        vector = {"name": f"{self.case.label}: {name}", "spec": spec, "direction": self.case.direction, "opcode": self.case.opcode,
                  "hex": data.hex(), "error": error or self.malformed, "closes_connection": self.control}
        if item is not None:
            vector["item"] = item
        self.out["decode_errors"].append(vector)


def poke(body, offset, data):
    return body[:offset] + data + body[offset + len(data):]


def with_presence(body, presence):
    return poke(body, 0, struct.pack("<I", presence))


def bad_values(field):
    """Values outside an enumeration or a bool."""
    if field.type == "bool":
        return [2, 255]
    if field.type in ("executionStatus", "eventStatus"):  # of a job's event also 5 to 8: vector_watches.py
        return [0, len(EXECUTION_STATUS) + 1, 255]
    if field.type == "jobStatus":
        return [0, len(JOB_STATUS) + 1, 255]
    if field.type.startswith("enum:"):
        allowed = [int(v) for v in field.type[5:].split(",")]
        return [v for v in (0, max(allowed) + 1, 255) if v not in allowed]
    return []


def body_faults(layout, full):
    """(name, spec, body, words, tail) of every structural fault; full has all optional fields."""
    full = flatten(full)
    body, spans = encode_body(layout, full)
    root, words = layout.root, layout.root // 8
    presence = struct.unpack("<I", body[:4])[0] if layout.has_presence else None
    if root:
        yield "root shorter than version 1's", "EVO-1", body[:root - 8] + body[root:], words - 1, False
        yield "root cut short", "FRM-1", body[:root - 1], words, False
    yield "root longer than the body", "FRM-1", body, 255, False
    for name, start, end in spans:
        yield f"cut before {name}", "NOT-3", body[:start], words, False
        yield f"cut in {name}'s first bytes", "NOT-3", body[:start + 1], words, False
        if end - start > 5:
            yield f"cut in the middle of {name}", "NOT-3", body[:(start + end) // 2], words, False
            yield f"cut in the last byte of {name}", "NOT-3", body[:end - 1], words, False
    starts = {name: start for name, start, _ in spans}
    for field in layout.variable:
        width = COUNT_WIDTH[field.type]
        yield f"{field.name} with a lying count", "NOT-3", poke(body, starts[field.name], b"\xff" * width), words, False
        if field.bit is not None and field.name in full:
            yield f"{field.name} absent but not empty", "NOT-1", with_presence(body, presence & ~(1 << field.bit)), words, False
    yield "a trailing byte", "NOT-5", body + b"\0", words, False
    yield "a trailing tail without its flag", "NOT-5", body + bytes.fromhex("0080000000"), words, False
    if layout.has_presence:
        unknown = next(b for b in range(16) if not layout.known_bits >> b & 1)
        for bit in (unknown, 15):
            yield f"unknown presence bit {bit}", "NOT-2", with_presence(body, presence | 1 << bit), words, False
    for tail, what in (("01000000", "unknown tail tag 1"), ("ff7f0200aabb", "unknown tail tag 0x7FFF"),
                       ("00800000ff7f0000", "unknown tail tag after an ignorable one"), ("008000", "tail cut in its header"),
                       ("00800500aabbccdd", "tail cut in its bytes"), ("0080000000", "tail followed by one byte")):
        yield what, "NOT-4", body + bytes.fromhex(tail), words, True
    for field in layout.fields:
        if field.reserved:
            yield f"reserved bytes at {field.offset}", "2", poke(body, field.offset + field.width - 1, b"\1"), words, False
        elif field.bit is None or field.name in full:
            for value in bad_values(field):
                yield f"{field.name} {value}", "2", poke(body, field.offset, bytes([value])), words, False
    yield from configuration_faults(layout, full, body, starts)
    if layout.records:
        for count_name in layout.records[2]:
            offset, count = layout.field(count_name).offset, full[count_name]
            for value in (count - 1, count + 1, 0xFFFFFFFF):
                yield f"{count_name} {value} for {count}", "NOT-3", poke(body, offset, struct.pack("<I", value)), words, False


def configuration_faults(layout, full, body, starts):
    """Faults of the block of 8.6 and of abort criteria; full has two retry criteria, if they may be there, and all rates."""
    words = layout.root // 8
    if layout.has_configuration:
        presence = struct.unpack("<I", body[:4])[0]
        yield "exponentialRate without rollout", "8.6", with_presence(body, presence & ~8), words, False
        at = layout.field("increaseCriterion").offset - 5
        if "retryCriterionCount" in full:
            for what, raw in (("a third retry criterion", "0301020302"), ("an unused retry criterion with a type", "0101020300"),
                              ("an unused retry criterion with retries", "0101020001"), ("retry criteria but a count of 0", "0001020000"),
                              ("the second retry criterion with failure type 0", "0201020002"), ("the first retry criterion with failure type 0", "0100020000"),
                              ("the only retry criterion in second place", "0100000102")):
                yield what, "8.6", poke(body, at, bytes.fromhex(raw)), words, False
        else:
            for what, raw in (("retry criteria not 0", "0101020000"), ("retryCriterionCount not 0", "0100000000"),
                              ("retryFailureType1 not 0", "0001000000"), ("numberOfRetries1 not 0", "0000010000"),
                              ("retryFailureType2 not 0", "0000000300")):
                yield what, "9.17", poke(body, at, bytes.fromhex(raw)), words, False
    if "abortCriteria" in starts:
        for index in (0, len(full["abortCriteria"]) - 1):
            at = starts["abortCriteria"] + 2 + 12 * index
            for value in (0, 5, 255):
                yield f"abort criterion {index} with failure type {value}", "8.6", poke(body, at, bytes([value])), words, False
            for byte in (1, 3):
                yield f"abort criterion {index} with reserved byte {byte}", "2", poke(body, at + byte, b"\1"), words, False
        count = struct.pack("<H", len(full["abortCriteria"]) + 1)
        yield "abortCriteria one more than there are", "NOT-3", poke(body, starts["abortCriteria"], count), words, False


def body_oddities(layout, minimal, full):
    """(name, spec, fields, body, words, tail) of bodies that decode although no version-1 encoder makes them."""
    body, _ = encode_body(layout, full)
    root, words = layout.root, layout.root // 8
    yield "root longer by one word", "EVO-1", full, body[:root] + bytes(8) + body[root:], words + 1, False
    yield "root longer by three words that are not zero", "EVO-1", full, body[:root] + b"\xa5" * 24 + body[root:], words + 3, False
    yield "empty tail", "NOT-4", full, body, words, True
    yield "ignorable tail tag", "NOT-4", full, body + bytes.fromhex("00800300aabbcc"), words, True
    yield "two ignorable tail tags after a longer root", "NOT-4", full, \
        body[:root] + bytes(8) + body[root:] + bytes.fromhex("ffff0000" "01800100ff"), words + 1, True
    if layout.has_presence:
        presence = struct.unpack("<I", body[:4])[0]
        yield "ignorable presence bits", "NOT-2", full, with_presence(body, presence | 0xFFFF0000), words, False
    small, _ = encode_body(layout, minimal)
    absent = [f for f in layout.fields if f.bit is not None and f.name not in flatten(minimal)]
    if absent:
        for field in absent:
            small = poke(small, field.offset, b"\xa5" * field.width)
        yield "absent numbers that are not zero", "NOT-1", minimal, small, words, False


def texts(fields, layout, prefix=""):
    """(name, fields with the mark in one text) for every text of the body."""
    for field in layout.variable:
        if field.name not in fields:
            continue
        if field.type in ("text16", "text32"):
            yield field.name, {**fields, field.name: MARK}
        elif field.type == "details":
            yield field.name + " key", {**fields, field.name: [["a", "b"], [MARK, "1"]]}
            yield field.name + " value", {**fields, field.name: [["a", MARK], ["b", "c"]]}
        elif field.type == "names":
            yield field.name, {**fields, field.name: ["a", MARK]}


def add_utf8(builder, fields):
    everything = builder.case.label in ("describe", "HELLO")
    for name, marked in texts(fields, builder.layout):
        forms = BAD_UTF8 if everything else [BAD_UTF8[builder.utf8_turn % len(BAD_UTF8)]]
        builder.utf8_turn += 1
        for what, raw in forms:
            body, _ = encode_body(builder.layout, marked)
            builder.bad(f"{name} not UTF-8, {what}", "12", builder.frame(body.replace(MARK.encode(), raw)), builder.invalid)


def record(body, words, tail=False, status=0, reserved=0, flags=0, length=None):
    return RECORD.pack(len(body) if length is None else length, status, flags | (FLAG_TAIL if tail else 0), words, reserved) + body


def add_records(builder, full):
    """Faults and oddities inside the first and the last record."""
    layout, is_reply = builder.layout, builder.case.reply
    name, element, _ = layout.records
    body, spans = encode_body(layout, full)
    spans = [(start, end) for what, start, end in spans if what.startswith(name + "[")]
    spec = "9.14" if name == "items" else "8.4"

    def put(index, data):
        return builder.frame(body[:spans[index][0]] + data + body[spans[index][1]:])

    for index in sorted({0, len(spans) - 1}):
        entry = full[name][index]
        fields, status = (entry["fields"], STATUS[entry["status"]]) if name == "items" else (entry, 0)
        single = element if status == 0 else FAILURE
        good, _ = encode_body(single, fields)
        words = single.root // 8
        say = f"record {index}"
        for bit in (1, 4, 128):
            builder.bad(f"{say} with flag {bit}", "8.4", put(index, record(good, words, status=status, flags=bit)))
        builder.bad(f"{say} with a reserved byte", "8.4", put(index, record(good, words, status=status, reserved=1)))
        builder.bad(f"{say} longer than the message", "8.4", put(index, record(good, words, status=status, length=0xFFFFFFFF)))
        builder.bad(f"{say} with an empty body", "8.4", put(index, record(b"", 0, status=status)))
        if not (name == "items" and is_reply):
            builder.bad(f"{say} with a status", "8.4", put(index, record(good, words, status=5)))
        if name == "items" and not is_reply:
            timed = with_presence(good, struct.unpack("<I", good[:4])[0] | 1)
            builder.bad(f"{say} with a deadline of its own", "9.14", put(index, record(timed, words)))
        for what, rule, changed, its_words, tail in body_faults(single, fields):
            if index == 0 or "cut" not in what:
                builder.bad(f"{say}, {what}", rule, put(index, record(changed, its_words, tail, status)))
        for what, rule, same, changed, its_words, tail in body_oddities(single, fields, fields):
            builder.good("degenerate", f"{say}, {what}", full, put(index, record(changed, its_words, tail, status)), rule)
    if name == "items" and is_reply:
        entries = full[name]
        odd = [dict(e) for e in entries]
        odd[-1]["status"] = "UNKNOWN"
        last, _ = encode_body(FAILURE, odd[-1]["fields"])
        builder.good("degenerate", "unknown status of an item", {**full, name: odd}, put(len(spans) - 1, record(last, 4, status=200)), "10")
    elif name == "items":
        first = full[name][0]["fields"]
        for what, marked in texts(first, element):
            changed, _ = encode_body(element, marked)
            builder.bad(f"item 0, {what} not UTF-8", "BAT-1", put(0, record(changed.replace(MARK.encode(), BAD_UTF8[0][1]), element.root // 8)),
                        "INVALID_FIELD", item=0)
        for what, change in (("jobId empty", {"jobId": ""}), ("thingName with a space", {"thingName": "a b"}),
                             ("executionNumber 0", {"executionNumber": "0"})):
            changed, _ = encode_body(element, {**first, **change})
            builder.bad(f"item 2, {what}", "BAT-1", put(2, record(changed, element.root // 8)), "INVALID_FIELD", item=2)


def add_case(case, out):
    builder = Builder(case, out)
    layout = builder.layout
    if case.opcode == "GOAWAY":
        builder.valid("minimal", case.minimal, status="OK")
    elif case.label == "failure":
        builder.valid("minimal", case.minimal, status="NOT_FOUND")
    elif case.opcode == "WATCH_ENDED":
        builder.valid("minimal", case.minimal, status="CANCELLED")
    else:
        builder.valid("minimal", case.minimal)
    builder.valid("full", case.full, builder.long_id)
    for what, spec, fields, body, words, tail in body_oddities(layout, case.minimal, case.full):
        builder.good("degenerate", what, fields, builder.frame(body, words, tail), spec)
    if layout.root:
        body, _ = encode_body(layout, case.minimal)
        longest = body[:layout.root] + bytes(255 * 8 - layout.root) + body[layout.root:]
        if case.label == "describe":
            builder.good("degenerate", "the longest root", case.minimal, builder.frame(longest, 255), "EVO-1")
    for what, spec, body, words, tail in body_faults(layout, case.full):
        builder.bad(what, spec, builder.frame(body, words, tail))
    add_utf8(builder, case.full)
    if layout.records:
        add_records(builder, case.full)
    for what, change in case.bad:
        fields = {**case.minimal, **change}
        body, _ = encode_body(layout, fields)
        builder.bad(what, "12" if not builder.control else case.spec, builder.frame(body), builder.invalid)
    if builder.control and case.opcode not in NAME_A_CALL:
        body, _ = encode_body(layout, case.full)
        builder.bad("requestId 1", "5", builder.frame(body, request_id=1))
    return builder


def build():
    """{area: {"valid": [...], "degenerate": [...], "decode_errors": [...]}}"""
    from vector_extras import add_extras
    areas, builders = {}, {}
    for case in CASES:
        out = areas.setdefault(case.file, {"valid": [], "degenerate": [], "decode_errors": []})
        builders[case.label] = add_case(case, out)
    add_extras(builders)
    return areas
