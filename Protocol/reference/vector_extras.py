"""Single message vectors that no systematic change yields: boundary values, empty replies, every status."""

from errand_layout import EXECUTION_STATUS, JOB_STATUS, STATUS
from errand_wire import encode_body
from vector_cases import KEY, LONG_THING, abort, exponential, failure, retries, rollout, state
from vector_operations import add_operation_extras
from vector_watches import add_watch_extras

CARRIES_STATE = ("VERSION_MISMATCH", "INVALID_STATE_TRANSITION", "TERMINAL_STATE")
APPLIED_UNKNOWN = ("UNKNOWN", "INTERNAL", "DATA_LOSS")


def add_extras(builders):
    _handshake(builders)
    _jobs(builders)
    _executions(builders)
    add_operation_extras(builders)
    add_watch_extras(builders)
    _failures(builders["failure"])
    describe = builders["batch describe"]
    item = describe.case.minimal["items"][0]
    body, _ = encode_body(describe.layout, {"itemCount": 257, "items": [item] * 257})
    describe.bad("257 items", "12", describe.frame(body), "INVALID_FIELD")
    describe.valid("with 256 items", {"itemCount": 256, "items": [item] * 256})


def _handshake(builders):
    hello = builders["HELLO"]
    plain = hello.case.minimal

    def put(fields):
        body, _ = encode_body(hello.layout, {**plain, **fields})
        return hello.frame(body)

    hello.good("degenerate", "of a newer client", {**plain, "versionMin": 0, "versionMax": 9}, put({"versionMin": 0, "versionMax": 9}), "CON-4")
    hello.good("degenerate", "unknown compressions", {**plain, "compressions": 129}, put({"compressions": 129}))
    hello.valid("with the longest names", {**plain, "clientName": "n" * 64, "clientVersion": "ü" * 32})
    hello.bad("versions 2 to 3", "CON-4", put({"versionMin": 2, "versionMax": 3}), "UNSUPPORTED_VERSION")
    hello.bad("version 0 only", "CON-4", put({"versionMin": 0, "versionMax": 0}), "UNSUPPORTED_VERSION")
    hello.bad("versions upside down", "CON-4", put({"versionMin": 1, "versionMax": 0}), "UNSUPPORTED_VERSION")
    hello.bad("feature 0", "7.1", put({"features": "1"}), "FEATURE_UNKNOWN")
    hello.bad("feature 31", "7.1", put({"features": str(1 << 31 | 1 << 32)}), "FEATURE_UNKNOWN")
    hello.bad("credentialKind 1", "7.1", put({"credentialKind": 1, "credential": "736563726574"}), "CREDENTIAL_REFUSED")
    hello.bad("credentialKind 255 without a credential", "7.1", put({"credentialKind": 255}), "CREDENTIAL_REFUSED")
    welcome = builders["WELCOME"]
    for name, change, error in (("version 2", {"version": 2}, "UNSUPPORTED_VERSION"), ("version 0", {"version": 0}, "UNSUPPORTED_VERSION"),
                                ("feature 3", {"features": "8"}, "FEATURE_UNKNOWN")):
        body, _ = encode_body(welcome.layout, {**welcome.case.minimal, **change})
        welcome.bad(name, "7.2", welcome.frame(body), error)
    for name, change in (("segmentByteCountMax below the floor", {"segmentByteCountMax": 65535}),
                         ("callsInFlightMax 0", {"callsInFlightMax": 0}), ("batchItemCountMax 0", {"batchItemCountMax": 0}),
                         ("callsInFlightMax 0 and version 2", {"callsInFlightMax": 0, "version": 2})):
        body, _ = encode_body(welcome.layout, {**welcome.case.minimal, **change})
        welcome.bad(name, "7.2", welcome.frame(body))
    for label in ("CONNECTION_ERROR from client", "CONNECTION_ERROR from server", "GOAWAY"):
        builder = builders[label]
        body, _ = encode_body(builder.layout, {**builder.case.minimal, "message": "m" * 513})
        builder.bad("message of 513 bytes", builder.case.spec, builder.frame(body))
    broken = builders["CONNECTION_ERROR from server"]
    fields = {"reason": 999, "message": "from a newer server"}
    body, _ = encode_body(broken.layout, fields)
    broken.good("degenerate", "unknown reason", fields, broken.frame(body), "EVO-3")
    broken.valid("with the longest message", {"reason": 29, "message": "m" * 512}, status="UNAVAILABLE")


def _jobs(builders):
    create = builders["CreateJob"]
    plain = create.case.minimal
    for name, document in (("a number", "7"), ("a text", '"ü"'), ("null", "null"), ("spaces around", " \r\n\t{} "),
                           ("32768 bytes", '"' + "d" * 32766 + '"')):
        create.valid(f"with document {name}", {**plain, "document": document})
    create.valid("with an empty description", {**plain, "description": ""})
    create.valid("with the longest description", {**plain, "description": "🚚" * 2028})
    create.valid("with a target twice", {**plain, "targetCount": 2, "targets": ["thing-1", "thing-1"]})
    for name, change in (
            ("with a rollout only", {"configuration": rollout(1)}),
            ("with the largest rates", {"configuration": rollout(1000, exponential(1000, 50, "numberOfSucceededThings", 4294967295))}),
            ("with the smallest rates", {"configuration": rollout(1, exponential(1, 11, threshold=1))}),
            ("with a base rate above the maximum", {"configuration": rollout(10, exponential(20))}),
            ("with 10 retries of ALL", {"configuration": retries(("ALL", 10))}),
            ("with 0 retries of FAILED", {"configuration": retries(("FAILED", 0))}),
            ("with retries of TIMED_OUT, then FAILED", {"configuration": retries(("TIMED_OUT", 9), ("FAILED", 1))}),
            ("with 16 abort criteria", {"abortCriteria": [abort("TIMED_OUT", n, n + 1) for n in range(16)]}),
            ("with targetSelection 1", {"targetSelection": 1})):
        create.valid(name, {**plain, **change})
    job = builders["DescribeJob reply"]
    job.valid("with retries and no rollout", {**job.case.minimal, "configuration": retries(("ALL", 2))})
    job.valid("with an empty comment", {**job.case.minimal, "status": "CANCELED", "reasonCode": "", "comment": ""})
    for status in JOB_STATUS[1:]:
        job.valid(f"with status {status}", {**job.case.minimal, "status": status})


def _executions(builders):
    own = builders["describe own"]
    own.valid("$next", {"includeJobDocument": True, "jobId": "$next", "thingName": "thing-1"})
    for label in ("describe own reply", "start next reply"):
        builders[label].valid("empty", {})
    described = builders["describe reply"]
    for status in EXECUTION_STATUS[1:]:
        described.valid(f"with status {status}", {**described.case.minimal, "status": status})
    fields = {**described.case.minimal, "statusDetails": []}
    described.good("degenerate", "with empty statusDetails", fields, described.frame(encode_body(described.layout, fields)[0]), "8.1")
    described.valid("with times before 1970", {**described.case.minimal, "queuedAtMilliseconds": "-1"})
    update = builders["update"]
    plain = update.case.minimal
    for status in ("IN_PROGRESS", "FAILED", "REJECTED"):
        update.valid(f"to {status}", {**plain, "status": status})
    for name in ("mergeStatusDetails", "includeJobExecutionState", "includeJobDocument"):
        update.valid(f"with {name}", {**plain, name: True})
    update.valid("with empty statusDetails", {**plain, "statusDetails": []})
    update.valid("with 10 pairs", {**plain, "statusDetails": [[f"key:{n}", "v"] for n in range(10)]})
    update.valid("with the longest pair", {**plain, "statusDetails": [[LONG_THING, "🚚" * 1024]]})
    update.valid("with expectedVersion 0", {**plain, "expectedVersion": "0"})
    update.valid("with expectedVersion -1", {**plain, "expectedVersion": "-1"})
    update.valid("with stepTimeoutInMinutes 1", {**plain, "stepTimeoutInMinutes": "1"})
    for label in ("update", "cancel", "start next"):
        builder = builders[label]
        for name, key in (("a key", KEY), ("a key of zeros", "0" * 32)):
            builder.valid(f"with {name}", {**builder.case.minimal, "idempotencyKey": key})
    update.valid("with timeoutMilliseconds 0", {**plain, "timeoutMilliseconds": 0})
    body, _ = encode_body(update.layout, plain)
    for word in (8, 16, 55, 56):  # a body that ends inside or right after the root block
        update.bad(f"body of {word} bytes", "NOT-3", update.frame(body[:word], 7))
    for label in ("describe own reply", "start next reply"):
        reply = builders[label]
        reply.bad("empty with flag tail", "9.7", reply.frame(b"", 0, tail=True))
        reply.bad("no root but a body", "9.7", reply.frame(bytes(8), 0))
    described.bad("an empty body", "EVO-1", described.frame(b"", 0))


def _failures(builder):
    for status in STATUS:
        if status in ("OK", "PROTOCOL_ERROR"):
            continue
        fields = dict(state) if status in CARRIES_STATE else dict(failure)
        fields["applied"] = 2 if status in APPLIED_UNKNOWN else 0
        if status in ("THROTTLED", "UNAVAILABLE"):
            fields["retryAfterMilliseconds"] = 250
        fields["message"] = "no"
        builder.valid(f"with {status}", fields, status=status)
    builder.valid("that was applied", {**failure, "applied": 1}, status="INTERNAL")
    builder.valid("with the longest message", {**failure, "message": "m" * 512}, status="INTERNAL")
    fields = {**state, "statusDetails": []}
    builder.good("degenerate", "with empty statusDetails", fields, builder.frame(encode_body(builder.layout, fields)[0]), "8.3")
    body, _ = encode_body(builder.layout, {**failure, "message": "m" * 513})
    builder.bad("message of 513 bytes", "8.3", builder.frame(body))
    body, _ = encode_body(builder.layout, {**failure, "statusDetails": [["a", "b"]]})
    builder.bad("statusDetails without a state", "8.3", builder.frame(body))
    body, _ = encode_body(builder.layout, {**failure, "statusDetails": []})
    builder.bad("empty statusDetails without a state", "8.3", builder.frame(body))
    body, _ = encode_body(builder.layout, state)
    builder.good("degenerate", "with an unknown status", dict(state), builder.frame(body, status=200), "10", status="UNKNOWN")
    builder.bad("an empty body", "EVO-1", builder.frame(b"", 0))
