"""The messages of watches, SPEC.md 7.7 to 7.11 and 9.23, as vector_cases.py has the others, and their single vectors."""

from errand_layout import EXECUTION_STATUS, JOB_STATUS, STATUS
from errand_wire import RECORD, encode_body
from vector_cases import (BAD_JOB, BAD_NEXT, BAD_THING, DETAILS, I64_MAX, I64_MIN, LONG_JOB, LONG_THING, TIME, TOKEN, U64_MAX,
                          control, execution, failure, one, reply, request, running, started, state)
from vector_operations import CASES

assert CASES
W = "watches"


def scoped(scope, bad):
    """The same bad values in a watch that is good otherwise."""
    names = {2: {"jobId": "job-1"}, 3: {"thingName": "thing-1"}, 4: one, 5: {"thingName": "thing-1"}}[scope]
    return [(f"scope {scope}, {name}", {"scope": scope, **names, **change}) for name, change in bad]


NAMES = {"neither name": {}, "jobId": {"jobId": "job-1"}, "thingName": {"thingName": "thing-1"}, "both names": one}
FITTING = {1: "neither name", 2: "jobId", 3: "thingName", 4: "both names", 5: "thingName"}
BAD_NAMES = [(f"scope {scope} with {what}", {"scope": scope, **names})
             for scope, fitting in FITTING.items() for what, names in NAMES.items() if what != fitting]
BAD_FROM = [(f"scope 5 with fromRevision {number}", {"scope": 5, "thingName": "thing-1", "fromRevision": number}) for number in ("0", "7", U64_MAX)]
watch = {"credit": 0, "scope": 1}
request(W, "9.23", "Watch", watch, {**TIME, "fromRevision": U64_MAX, "credit": 4294967295, "scope": 4, "jobId": LONG_JOB, "thingName": LONG_THING},
        BAD_NAMES + BAD_FROM + scoped(2, BAD_JOB + BAD_NEXT) + scoped(3, BAD_THING) + scoped(4, BAD_JOB + BAD_NEXT + BAD_THING) + scoped(5, BAD_THING))
reply(W, "9.23", "Watch", {"revision": "0"}, {"revision": U64_MAX})

AT, THEN = "1700000000000", "1700000002000"
queued = {"kind": 1, "actor": 2, "toStatus": "QUEUED", "revision": "2", "atMilliseconds": AT, "executionNumber": "1", "versionNumber": "1",
          "retryAttempt": 0, "forceCanceled": False, **one}
changed = {"kind": 1, "actor": 1, "fromStatus": "IN_PROGRESS", "toStatus": "CANCELED", "revision": "9007199254740993", "atMilliseconds": THEN,
           "executionNumber": I64_MAX, "versionNumber": I64_MAX, "retryAttempt": 65535, "forceCanceled": True, "jobId": LONG_JOB,
           "thingName": LONG_THING, "statusDetails": DETAILS}
deleted = {"kind": 2, "actor": 2, "fromStatus": "FAILED", "revision": "9007199254740994", "atMilliseconds": THEN, "executionNumber": "2",
           "versionNumber": "7", "retryAttempt": 1, "forceCanceled": False, **one}
created = {"kind": 3, "actor": 2, "toStatus": "IN_PROGRESS", "revision": "1", "atMilliseconds": AT, "retryAttempt": 0, "forceCanceled": False,
           "jobId": "job-1"}
updated = {**created, "fromStatus": "IN_PROGRESS", "revision": "9007199254740995"}
canceled = {**updated, "actor": 3, "toStatus": "CANCELED", "revision": "9007199254740996"}
gone = {"kind": 4, "actor": 3, "fromStatus": "DELETION_IN_PROGRESS", "revision": "9007199254740999", "atMilliseconds": THEN, "retryAttempt": 0,
        "forceCanceled": False, "jobId": "job-1"}
EVERY_KIND = {"queued": queued, "changed": changed, "deleted": deleted, "created": created, "updated": updated, "canceled": canceled, "gone": gone}


def events(*records, revision=None):
    return {"count": len(records), "revision": revision or (records[-1]["revision"] if records else "0"), "events": list(records)}


control(W, "7.7", "EVENTS", "server", events(), events(changed, deleted, updated, canceled, gone, revision=U64_MAX))
control(W, "7.8", "NOTIFY", "server", {"totalCount": 0, "inProgressCount": 0, "queuedCount": 0, "executions": []},
        {"totalCount": 12, "inProgressCount": 1, "queuedCount": 2, "nextToken": TOKEN,
         "executions": [started, execution, {**execution, "jobId": "job-2"}]})
control(W, "7.8", "NOTIFY_NEXT", "server", {**execution, "jobDocument": "{}"}, {**running, "jobDocument": '{"a":[1,2,3]}'})
control(W, "7.9", "WATCH_ENDED", "server", failure,
        {"applied": 0, "retryAfterMilliseconds": 1500, "message": "4097 events waited – watch again"}, status="SLOW_CONSUMER")
control(W, "7.10", "WATCH_CREDIT", "client", {"credit": 0}, {"credit": 4294967295})
control(W, "7.11", "END_WATCH", "client", {}, {})


def add_watch_extras(builders):
    _watch(builders)
    _events(builders["EVENTS"])
    _event_faults(builders["EVENTS"])
    _notifications(builders)
    _ends(builders)


def _watch(builders):
    ask, answer = builders["Watch"], builders["Watch reply"]
    for scope, fitting in FITTING.items():
        ask.valid(f"with scope {scope}", {"credit": 100, "scope": scope, **NAMES[fitting]})
        if scope < 5:
            ask.valid(f"with scope {scope} from a revision", {"credit": 1, "scope": scope, "fromRevision": "9007199254740993", **NAMES[fitting]})
    ask.valid("from revision 0", {**watch, "fromRevision": "0"})
    ask.valid("with timeoutMilliseconds 0", {**watch, "timeoutMilliseconds": 0})
    answer.valid("refused with WATCH_COMPACTED", {"applied": 0, "message": "revision 7 is no longer kept"}, status="WATCH_COMPACTED")
    answer.valid("refused with LIMIT_EXCEEDED", {"applied": 0, "message": "1,024 watches"}, status="LIMIT_EXCEEDED")
    answer.bad("an empty body", "EVO-1", answer.frame(b"", 0))


def _put(builder, *records, revision=U64_MAX, count=None):
    body, _ = encode_body(builder.layout, {**events(*records, revision=revision), **({} if count is None else {"count": count})})
    return builder.frame(body)


def _events(builder):
    builder.valid("bookmark", events(revision="9007199254740993"))
    for name, event in EVERY_KIND.items():
        builder.valid(f"with one {name}", events(event))
    builder.valid("with a revision above the last record's", events(queued, revision="3"))
    for actor in (1, 2, 3):
        builder.valid(f"with actor {actor}", events({**changed, "actor": actor}))
    numbered = lambda event, number: {**event, "revision": str(number)}
    builder.valid("of kind 1 to every status", events(*(
        numbered({**changed, "fromStatus": EXECUTION_STATUS[n % 2], "toStatus": status}, n + 1) for n, status in enumerate(EXECUTION_STATUS[1:]))))
    builder.valid("of kind 2 from every status", events(*(
        numbered({**deleted, "fromStatus": status}, n + 1) for n, status in enumerate(EXECUTION_STATUS))))
    builder.valid("of kind 3 to every status", events(*(
        numbered({**updated, "toStatus": status}, n + 1) for n, status in enumerate(JOB_STATUS))))
    builder.valid("of kind 4 from every status", events(*(
        numbered({**gone, "fromStatus": status}, n + 1) for n, status in enumerate(JOB_STATUS))))
    builder.valid("with a retry after the failure", events(
        numbered({**changed, "toStatus": "FAILED"}, 5), numbered({**queued, "actor": 3, "executionNumber": "2", "retryAttempt": 1}, 6)))
    builder.valid("of a deletion", events(numbered({**canceled, "toStatus": "DELETION_IN_PROGRESS"}, 5), numbered(deleted, 6), numbered(gone, 7)))
    builder.valid("with 100 records", events(*(numbered(queued, 3 * n + 1) for n in range(100))))
    builder.valid("with extreme numbers", events({**changed, "revision": "1", "atMilliseconds": I64_MIN, "executionNumber": I64_MIN},
                                                 {**changed, "revision": U64_MAX, "atMilliseconds": I64_MAX, "versionNumber": I64_MIN}))
    fields = events({**changed, "statusDetails": []})
    builder.good("degenerate", "with empty statusDetails", fields, _put(builder, *fields["events"], revision=fields["revision"]), "8.9")


def _event_faults(builder):
    values = {"fromStatus": "CANCELED", "toStatus": "IN_PROGRESS", "thingName": "thing-1", "executionNumber": "1", "versionNumber": "1",
              "statusDetails": DETAILS}
    missing = {"changed": ("toStatus", "thingName", "executionNumber", "versionNumber"), "queued": ("toStatus", "thingName"),
               "deleted": ("fromStatus", "thingName", "executionNumber", "versionNumber"), "created": ("toStatus",), "updated": ("toStatus",),
               "gone": ("fromStatus",)}
    forbidden = {"deleted": ("toStatus", "statusDetails"), "created": ("thingName", "executionNumber", "versionNumber", "statusDetails"),
                 "updated": ("thingName", "executionNumber", "versionNumber", "statusDetails"),
                 "gone": ("toStatus", "thingName", "executionNumber", "versionNumber", "statusDetails")}
    for name, absent in missing.items():
        for field in absent:
            event = {key: value for key, value in EVERY_KIND[name].items() if key != field}
            builder.bad(f"{name} without {field}", "8.9", _put(builder, event))
    for name, present in forbidden.items():
        for field in present:
            builder.bad(f"{name} with {field}", "8.9", _put(builder, {**EVERY_KIND[name], field: values[field]}))
    builder.bad("a fault in the last of three records", "8.9", _put(
        builder, created, queued, {**deleted, "toStatus": "FAILED"}))
    for name, offset, value in (("created", 7, 5), ("created", 7, 8), ("updated", 6, 5), ("gone", 6, 5), ("gone", 6, 0), ("queued", 7, 0),
                                ("queued", 7, 9), ("deleted", 6, 0), ("deleted", 6, 9), ("deleted", 6, 255)):
        _poke(builder, f"{name} with {'from' if offset == 6 else 'to'}Status {value}", name, offset, value)
    for name, kind in (("queued", 2), ("queued", 3), ("queued", 4), ("deleted", 1), ("deleted", 4), ("created", 1), ("created", 4), ("gone", 2), ("gone", 3)):
        _poke(builder, f"{name} as kind {kind}", name, 4, kind)
    for what, marks in (("jobId", {"jobId": "~~~~"}), ("thingName", {"thingName": "~~~~"}), ("statusDetails key", {"statusDetails": [["~~~~", "1"]]}),
                        ("statusDetails value", {"statusDetails": [["a", "~~~~"]]})):
        data = _put(builder, {**changed, **marks})
        builder.bad(f"{what} of a record not UTF-8", "12", data.replace(b"~~~~", b"~\xff~~"))
    one_after = {**queued, "revision": "3"}
    builder.bad("the same revision twice", "7.7", _put(builder, queued, {**one_after, "revision": "2"}))
    builder.bad("falling revisions", "7.7", _put(builder, one_after, queued))
    builder.bad("revisions that fall in the third record", "7.7", _put(builder, queued, one_after, {**one_after, "revision": "2"}))
    builder.bad("a revision below the last record's", "WAT-1", _put(builder, queued, one_after, revision="2"))
    builder.bad("revision 0 with a record", "WAT-1", _put(builder, queued, revision="0"))
    builder.bad("count 4294967295 and no record", "NOT-3", _put(builder, count=0xFFFFFFFF))
    builder.bad("an empty body", "EVO-1", builder.frame(b"", 0))


def _poke(builder, what, name, offset, value):
    """One event with one byte of its root changed."""
    data = _put(builder, EVERY_KIND[name])
    at = 16 + builder.layout.root + RECORD.size + offset
    builder.bad(what, "8.9", data[:at] + bytes([value]) + data[at + 1:])


def _notifications(builders):
    notify, upcoming = builders["NOTIFY"], builders["NOTIFY_NEXT"]
    notify.valid("with ten of many", {"totalCount": 4294967295, "inProgressCount": 0, "queuedCount": 10, "nextToken": "ab" * 64,
                                      "executions": [{**execution, "jobId": f"job-{n}"} for n in range(10)]})
    notify.valid("with one started", {"totalCount": 1, "inProgressCount": 1, "queuedCount": 0, "executions": [started]})
    notify.bad("an empty body", "EVO-1", notify.frame(b"", 0))
    upcoming.valid("empty", {})
    upcoming.valid("without jobDocument", execution)
    upcoming.valid("with the largest document", {**execution, "jobDocument": '"' + "d" * 32766 + '"'})
    upcoming.bad("empty with flag tail", "9.7", upcoming.frame(b"", 0, tail=True))
    upcoming.bad("no root but a body", "9.7", upcoming.frame(bytes(8), 0))


def _ends(builders):
    ended, credit, end = builders["WATCH_ENDED"], builders["WATCH_CREDIT"], builders["END_WATCH"]
    for status in ("CANCELLED", "SLOW_CONSUMER", "WATCH_COMPACTED", "UNAVAILABLE"):
        ended.valid(f"with {status}", {"applied": 0, "message": "why"}, status=status)
    ended.valid("with the longest message", {"applied": 0, "message": "m" * 512})
    plain, _ = encode_body(ended.layout, failure)
    ended.good("degenerate", "with an unknown status", failure, ended.frame(plain, status=200), "10", status="UNKNOWN")
    ended.bad("status 0", "7.9", ended.frame(plain, status=STATUS["OK"]))
    ended.bad("an empty body", "EVO-1", ended.frame(b"", 0))
    for what, fields in (("applied = yes", {**failure, "applied": 1}), ("applied = unknown", {**failure, "applied": 2}),
                         ("an execution state", state), ("an execution state with statusDetails", {**state, "statusDetails": DETAILS})):
        ended.bad(what, "7.9", ended.frame(encode_body(ended.layout, fields)[0]))
    for what, fields in (("message of 513 bytes", {**failure, "message": "m" * 513}), ("statusDetails without a state", {**failure, "statusDetails": DETAILS})):
        ended.bad(what, "8.3", ended.frame(encode_body(ended.layout, fields)[0]))
    credit.valid("of 1", {"credit": 1})
    body, _ = encode_body(credit.layout, {"credit": 1})
    credit.good("degenerate", "with requestId 0", {"credit": 1}, credit.frame(body, request_id=0), request_id=0)
    credit.bad("an empty body", "EVO-1", credit.frame(b"", 0))
    end.good("degenerate", "with requestId 0", {}, end.frame(b"", request_id=0), request_id=0)
    end.bad("with a body of 8 bytes", "7.11", end.frame(bytes(8), 0))
