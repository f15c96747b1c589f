"""The streams of watches for streams.json: what comes when, and what names no watch."""

from errand_layout import OPCODES
from errand_wire import MAGIC, frame, segment
from vector_segments import describe
from vector_streams import AGREED, HELLO, OK, PING, agreed, bad, good, message, squeezed, welcome
from vector_watches import created, events, failure, queued

ASKED = [(1, "Watch")]
TWO = [(1, "Watch"), (2, "Watch")]


def watching(number, revision="0"):
    return message("Watch", number, True, fields={"revision": revision})


def refused(number):
    return message("Watch", number, True, "WATCH_COMPACTED", failure)


def seen(number, *records, revision=None):
    return message("EVENTS", number, fields=events(*records, revision=revision))


def ended(number, status="CANCELLED"):
    return message("WATCH_ENDED", number, status=status)


def notify(number):
    return message("NOTIFY", number)


def notify_next(number, **changes):
    return message("NOTIFY_NEXT", number, fields=changes or {})


BRINGS = (("EVENTS", seen), ("NOTIFY", notify), ("NOTIFY_NEXT", notify_next), ("WATCH_ENDED", ended))


def with_flag(data, flag=1):
    return data[:5] + bytes([data[5] | flag]) + data[6:]


def with_status(data, status):
    return data[:6] + bytes([status]) + data[7:]


def valid_watches():
    c, s, w, first = "client", "server", welcome(), segment(HELLO)

    def served(name, spec, *parts, calls=ASKED, terms=AGREED, start=None):
        return good(name, spec, s, [segment(start or w), *(segment(b"".join(part), checksum=False) for part in parts)],
                    [start or w, *(f for part in parts for f in part)], terms, calls)

    ask = message("Watch", 1)
    credit, end, strange = message("WATCH_CREDIT", 1, credit=100), message("END_WATCH", 1), message("END_WATCH", 9)
    yield good("Watch, WATCH_CREDIT and END_WATCH in one segment", "9.23", c, [first, segment(ask + credit + end, checksum=False)], [HELLO, ask, credit, end])
    yield good("WATCH_CREDIT and END_WATCH for ids that are no watch", "7.10", c,
               [first, segment(credit, checksum=False), segment(describe(3) + message("WATCH_CREDIT", 3) + strange + message("END_WATCH", 0), checksum=False)],
               [HELLO, credit, describe(3), message("WATCH_CREDIT", 3), strange, message("END_WATCH", 0)])
    yield good("END_WATCH twice", "7.11", c, [first, segment(ask, checksum=False), segment(end + end, checksum=False)], [HELLO, ask, end, end])
    yield served("a Watch reply, then EVENTS", "WAT-3", [watching(1)], [seen(1, created), seen(1, queued)])
    yield served("a Watch reply and EVENTS in one segment", "WAT-3", [watching(1), seen(1, created, queued), seen(1, revision="9")])
    yield served("a Watch reply, EVENTS and WATCH_ENDED in one segment", "WAT-3", [watching(1), seen(1, created), ended(1)])
    yield served("NOTIFY and NOTIFY_NEXT of a queue watch", "WAT-9", [watching(1), notify(1), notify_next(1)], [notify(1)], [ended(1)])
    yield served("a watch that ends at once", "7.9", [watching(1)], [ended(1, "SLOW_CONSUMER")])
    yield served("two watches, one ends", "WAT-3", [watching(2), seen(2, created)], [watching(1), ended(2), seen(1, queued)], calls=TWO)
    yield served("two watches with ids far apart", "WAT-3", [watching(2**64 - 1), watching(1), seen(2**64 - 1, created), seen(1, created)],
                 calls=[(1, "Watch"), (2**64 - 1, "Watch")])
    yield served("a refused Watch", "CALL-1", [refused(1), watching(2), seen(2, created)], calls=TWO)
    yield served("EVENTS between other replies", "CALL-3", [OK(3), watching(1)], [seen(1, created), OK(2), PING, seen(1, queued)],
                 calls=[(1, "Watch"), (2, "Health"), (3, "Health")])
    goaway = message("GOAWAY", status="UNAVAILABLE", lastRequestId="2", graceMilliseconds=5000)
    yield served("GOAWAY, then WATCH_ENDED and the last reply", "7.9", [watching(1), seen(1, created)], [goaway, ended(1, "UNAVAILABLE"), OK(2)],
                 calls=[(1, "Watch"), (2, "Health")])
    yield served("WATCH_ENDED with an unknown status", "10", [watching(1), with_status(ended(1), 200)])
    both, start = agreed(zlib=True, checksums=True), welcome(compression=1, checksums=1)
    many = [watching(1), *(seen(1, {**queued, "revision": str(n)}) for n in range(1, 30))]
    yield good("compressed EVENTS", "SEG-6", s, [segment(start), squeezed(many), segment(ended(1))], [start, *many, ended(1)], both, ASKED)


def client_watch_faults():
    c, odd, start = "client", "FRAME_UNEXPECTED", MAGIC + segment(HELLO)

    def later(name, spec, error, *frames):
        return bad(name, spec, error, c, start + b"".join(segment(f, checksum=False) for f in frames))

    ask, credit, end = message("Watch", 1), message("WATCH_CREDIT", 1), message("END_WATCH", 1)
    for opcode, make in BRINGS:
        yield later(f"{opcode} from the client", "FRM-3", odd, ask, make(1))
    for opcode, data in (("WATCH_CREDIT", credit), ("END_WATCH", end)):
        yield later(f"{opcode} with flag reply", "FRM-3", odd, ask, with_flag(data))
        yield later(f"{opcode} with a status", "FRM-3", odd, ask, with_status(data, 1))
        yield bad(f"{opcode} before HELLO", "FRM-3", odd, c, MAGIC + segment(data))
    yield later("WATCH_CREDIT malformed", "FRM-4", "CONTROL_MALFORMED", ask, frame(OPCODES["WATCH_CREDIT"], bytes(7), 1, 0, 0, 1))
    yield later("WATCH_CREDIT malformed for an id that is no watch", "FRM-4", "CONTROL_MALFORMED", frame(OPCODES["WATCH_CREDIT"], bytes(7), 5, 0, 0, 1))
    yield later("END_WATCH with a body", "FRM-4", "CONTROL_MALFORMED", ask, frame(OPCODES["END_WATCH"], b"\0", 1))
    yield later("Watch with a falling id", "CALL-2", "REQUEST_ID_NOT_RISING", describe(4), ask)


def server_watch_faults():
    s, odd, unasked, w = "server", "FRAME_UNEXPECTED", "UNREQUESTED_REPLY", welcome()

    def later(name, spec, error, *frames, calls=ASKED):
        return bad(name, spec, error, s, MAGIC + segment(w) + b"".join(segment(f, checksum=False) for f in frames), AGREED, calls)

    for opcode, make in BRINGS:
        spec = "11" if opcode == "WATCH_ENDED" else "WAT-3"
        yield later(f"{opcode} for no call", spec, unasked, make(1), calls=())
        yield later(f"{opcode} with requestId 0", spec, unasked, watching(1), make(0))
        yield later(f"{opcode} for another id than the watch's", spec, unasked, watching(1), make(2))
        yield later(f"{opcode} before the reply", spec, unasked, make(1), watching(1))
        yield later(f"{opcode} before the reply in one segment", spec, unasked, make(1) + watching(1))
        yield later(f"{opcode} after WATCH_ENDED", spec, unasked, watching(1), ended(1), make(1))
        yield later(f"{opcode} after WATCH_ENDED in one segment", spec, unasked, watching(1) + ended(1) + make(1))
        yield later(f"{opcode} after a refused Watch", spec, unasked, refused(1), make(1))
        yield later(f"{opcode} for a call that is no watch", spec, unasked, OK(1), make(1), calls=[(1, "Health")])
        yield later(f"{opcode} for the watch that ended, while another lives", spec, unasked, watching(1) + watching(2), ended(2), make(2), calls=TWO)
        yield later(f"{opcode} with flag reply", "FRM-3", odd, watching(1), with_flag(make(1)))
        if opcode != "WATCH_ENDED":
            yield later(f"{opcode} with a status", "FRM-3", odd, watching(1), with_status(make(1), 1))
            yield later(f"{opcode} malformed", "FRM-4", "CONTROL_MALFORMED", watching(1), frame(OPCODES[opcode], bytes(7), 1, 0, 0, 2))
        yield bad(f"{opcode} before WELCOME", "FRM-3", odd, s, MAGIC + segment(make(1)), calls=ASKED)
    yield later("WATCH_ENDED with status 0", "7.9", "CONTROL_MALFORMED", watching(1), ended(1, "OK"))
    yield later("WATCH_ENDED malformed", "FRM-4", "CONTROL_MALFORMED", watching(1), frame(OPCODES["WATCH_ENDED"], bytes(31), 1, 0, 1, 4))
    for opcode in ("WATCH_CREDIT", "END_WATCH"):
        yield later(f"{opcode} from the server", "FRM-3", odd, watching(1), message(opcode, 1))
    yield later("Watch from the server", "FRM-3", odd, message("Watch", 1))
    yield later("two replies to one Watch", "CALL-8", unasked, watching(1), watching(1))
    yield later("a reply to a Watch that has ended", "CALL-8", unasked, watching(1) + ended(1), watching(1))
