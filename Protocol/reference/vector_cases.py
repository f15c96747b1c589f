"""The messages that the vectors are made of: for each a minimal and a full set of fields.

Case(file, section, label, direction, opcode, reply, status, minimal, full, bad): `bad` lists
(name, changes, item) where the changed fields are well-formed but outside their limits.
"""

from collections import namedtuple

Case = namedtuple("Case", "file spec label direction opcode reply status minimal full bad")
CASES = []
I64_MAX, I64_MIN, U64_MAX = str(2**63 - 1), str(-2**63), str(2**64 - 1)
LONG_JOB, LONG_THING = "j" * 64, "t" * 128
DETAILS = [["progress", "50%"], ["note", "größe ✓ 🚚"]]
KEY, KEY_2 = "00112233445566778899aabbccddeeff", "f" * 32
ARN = "arn:aws:iot:eu-central-1:123456789012"


def request(file, spec, opcode, minimal, full, bad=(), label=None):
    CASES.append(Case(file, spec, label or opcode, "client", opcode, False, "OK", minimal, full, list(bad)))


def reply(file, spec, opcode, minimal, full, status="OK", label=None):
    CASES.append(Case(file, spec, label or opcode + " reply", "server", opcode, True, status, minimal, full, []))


def control(file, spec, opcode, direction, minimal, full, bad=(), status="OK", label=None):
    CASES.append(Case(file, spec, label or opcode, direction, opcode, False, status, minimal, full, list(bad)))


BAD_JOB = [("jobId empty", {"jobId": ""}), ("jobId 65 bytes", {"jobId": "j" * 65}), ("jobId with a space", {"jobId": "job 1"}),
           ("jobId with a colon", {"jobId": "job:1"}), ("jobId not ASCII", {"jobId": "jöb"})]
BAD_OWN = BAD_JOB + [("jobId $nextt", {"jobId": "$nextt"})]
BAD_NEXT = [("jobId $next", {"jobId": "$next"})]
BAD_THING = [("thingName empty", {"thingName": ""}), ("thingName 129 bytes", {"thingName": "t" * 129}),
             ("thingName with a slash", {"thingName": "a/b"})]
BAD_NUMBER = [("executionNumber 0", {"executionNumber": "0"}), ("executionNumber negative", {"executionNumber": "-1"})]
BAD_STEP = [("stepTimeoutInMinutes 0", {"stepTimeoutInMinutes": "0"}), ("stepTimeoutInMinutes -2", {"stepTimeoutInMinutes": "-2"}),
            ("stepTimeoutInMinutes 10081", {"stepTimeoutInMinutes": "10081"})]
BAD_RESULTS = [("maxResults 0", {"maxResults": 0}), ("maxResults 251", {"maxResults": 251})]
BAD_TOKEN = [("nextToken 65 bytes", {"nextToken": "ab" * 65})]
BAD_DETAILS = [(f"statusDetails {name}", {"statusDetails": pairs}) for name, pairs in (
    ("11 pairs", [[f"k{n}", "v"] for n in range(11)]), ("key twice", [["a", "1"], ["a", "2"]]), ("key empty", [["", "1"]]),
    ("key 129 bytes", [["k" * 129, "1"]]), ("key with a space", [["a b", "1"]]), ("value empty", [["a", ""]]),
    ("value 1025 scalars", [["a", "v" * 1025]]), ("value with a control character", [["a", "line\nline"]]),
    ("value with a format character", [["a", "x\u200by"]]), ("value with a private use character", [["a", "\ue000"]]))]


def exponential(base=50, factor=15, criterion="numberOfNotifiedThings", threshold=1000):
    return {"baseRatePerMinute": base, "incrementFactorTenths": factor, "increaseCriterion": criterion, "increaseThreshold": threshold}


def rollout(most=1000, rate=None):
    return {"rollout": {"maximumPerMinute": most, **({"exponentialRate": rate} if rate else {})}}


def retries(*criteria):
    return {"retryCriteria": [{"failureType": kind, "numberOfRetries": number} for kind, number in criteria]}


def abort(kind="FAILED", threshold=500, least=20):
    return {"failureType": kind, "thresholdPercentageHundredths": threshold, "minNumberOfExecutedThings": least}


ABORTS = [abort(), abort("REJECTED", 10000, 1), abort("ALL", 0, 4294967295)]
BAD_ROLLOUT = [(name, {"configuration": value}) for name, value in (
    ("maximumPerMinute 0", rollout(0)), ("maximumPerMinute 1001", rollout(1001)),
    ("baseRatePerMinute 0", rollout(1000, exponential(base=0))), ("baseRatePerMinute 1001", rollout(1000, exponential(base=1001))),
    ("incrementFactorTenths 10", rollout(1000, exponential(factor=10))), ("incrementFactorTenths 51", rollout(1000, exponential(factor=51))),
    ("increaseThreshold 0", rollout(1000, exponential(threshold=0))))]
BAD_RETRIES = [("retry criteria " + name, {"configuration": value}) for name, value in (
    ("of REJECTED", retries(("REJECTED", 1))), ("FAILED twice", retries(("FAILED", 1), ("FAILED", 1))),
    ("ALL and FAILED", retries(("ALL", 1), ("FAILED", 1))), ("TIMED_OUT and ALL", retries(("TIMED_OUT", 0), ("ALL", 0))),
    ("with 11 retries", retries(("FAILED", 11))), ("with 255 retries", retries(("ALL", 255))),
    ("with 11 retries in total", retries(("FAILED", 5), ("TIMED_OUT", 6))))]
BAD_ABORTS = [("abortCriteria " + name, {"abortCriteria": value}) for name, value in (
    ("threshold 10001", [abort(threshold=10001)]), ("minNumberOfExecutedThings 0", [abort(least=0)]),
    ("the second with threshold 4294967295", [abort(), abort(threshold=4294967295)]), ("17 of them", [abort()] * 17))]
BAD_DESCRIPTION = [("description 2029 scalars", {"description": "d" * 2029}), ("description with a control character", {"description": "a\tb"})]
BAD_TIMEOUT = [("inProgressTimeoutInMinutes 0", {"inProgressTimeoutInMinutes": "0"}),
               ("inProgressTimeoutInMinutes 10081", {"inProgressTimeoutInMinutes": "10081"})]
FULL_CONFIGURATION = {**retries(("FAILED", 3), ("TIMED_OUT", 7)), **rollout(1000, exponential())}

# -- handshake.json and control.json ----------------------------------------------------------------

hello = {"versionMin": 1, "versionMax": 1, "features": "0", "segmentByteCountMax": 65536, "compressions": 0, "checksums": 0,
         "credentialKind": 0, "clientName": "", "clientVersion": "", "credential": ""}
control("handshake", "7.1", "HELLO", "client", hello,
        {**hello, "features": str(1 << 40 | 1 << 63), "segmentByteCountMax": 262144, "compressions": 1, "checksums": 1,
         "clientName": "errand-swift", "clientVersion": "1.0.0"},
        [("segmentByteCountMax below the floor", {"segmentByteCountMax": 65535}),
         ("clientName 65 bytes", {"clientName": "n" * 65}), ("clientVersion 65 bytes", {"clientVersion": "v" * 65}),
         ("credential without a kind", {"credential": "736563726574"})])
welcome = {"version": 1, "compression": 0, "checksums": 0, "features": "0", "segmentByteCountMax": 262144,
           "callsInFlightMax": 1024, "bytesInFlightMax": 1048576, "batchItemCountMax": 256, "pingIntervalMilliseconds": 10000,
           "idleTimeoutMilliseconds": 60000, "bootId": "1", "nowMilliseconds": "1700000000000", "serverName": "",
           "serverVersion": "", "thingArnPrefix": ""}
control("handshake", "7.2", "WELCOME", "server", welcome,
        {**welcome, "compression": 1, "checksums": 1, "bootId": U64_MAX, "nowMilliseconds": "1700000000123",
         "serverName": "errand", "serverVersion": "1.0.0", "thingArnPrefix": ARN})

for side in ("client", "server"):
    control("control", "7.3", "CONNECTION_ERROR", side, {"reason": 1, "message": ""},
            {"reason": 12, "message": "the checksum of segment 3 differs – closing"}, status="PROTOCOL_ERROR",
            label=f"CONNECTION_ERROR from {side}")
    for opcode in ("PING", "PONG"):
        control("control", "7.4", opcode, side, {"opaque": "0"}, {"opaque": U64_MAX}, label=f"{opcode} from {side}")
goaway = {"lastRequestId": "0", "graceMilliseconds": 0, "retryAfterMilliseconds": 0, "message": ""}
control("control", "7.5", "GOAWAY", "server", goaway,
        {"lastRequestId": U64_MAX, "graceMilliseconds": 5000, "retryAfterMilliseconds": 1000, "message": "the server stops"},
        status="UNAVAILABLE")
control("control", "7.6", "CANCEL_CALL", "client", {}, {})

# -- jobs.json ------------------------------------------------------------------------------------------

TIME = {"timeoutMilliseconds": 2500}
request("jobs", "9.1", "Health", {}, TIME)
reply("jobs", "9.1", "Health", {"state": 1}, {"state": 2})
request("jobs", "9.2", "ServerInfo", {}, TIME)
info = {"minuteLengthMilliseconds": 60000, "bootId": "1", "startedAtMilliseconds": "1700000000000",
        "nowMilliseconds": "1700000000001", "jobCount": "0", "executionCount": "0", "callCount": "0", "connectionCount": "1",
        "serverName": "", "serverVersion": "", "thingArnPrefix": ""}
reply("jobs", "9.2", "ServerInfo", info,
      {**info, "minuteLengthMilliseconds": 50, "bootId": U64_MAX, "jobCount": "3", "executionCount": "4000000000000",
       "callCount": "9007199254740993", "serverName": "errand", "serverVersion": "1.0.0", "thingArnPrefix": ARN})
create = {"targetCount": 1, "targetSelection": 0, "configuration": {}, "jobId": "job-1", "document": "{}", "targets": ["thing-1"],
          "abortCriteria": []}
request("jobs", "9.3", "CreateJob", create,
        {**TIME, "inProgressTimeoutInMinutes": "10080", "targetCount": 1000000, "targetSelection": 0,
         "configuration": FULL_CONFIGURATION, "jobId": LONG_JOB,
         "description": "Firmware 2.4 für alle Türen", "document": '{"url":"https://example.com/fw.bin","size":1048576}',
         "targets": ["thing-1", "a:b_c-D9", LONG_THING], "abortCriteria": ABORTS},
        BAD_JOB + BAD_NEXT + BAD_TIMEOUT + BAD_DESCRIPTION + BAD_ROLLOUT + BAD_RETRIES + BAD_ABORTS + [
            ("targetCount 0", {"targetCount": 0, "targets": []}), ("targetCount 1000001", {"targetCount": 1000001}),
            ("more targets than targetCount", {"targetCount": 1, "targets": ["a", "b"]}),
            ("document empty", {"document": ""}), ("document not JSON", {"document": "{\"a\":}"}),
            ("document followed by text", {"document": "{} x"}), ("document 32769 bytes", {"document": '"' + "d" * 32767 + '"'}),
            ("target with a space", {"targets": ["thing 1"]}), ("target empty", {"targets": [""]}),
            ("target 129 bytes", {"targets": ["t" * 129]})])
reply("jobs", "9.3", "CreateJob", {"targetsReceived": 1, "isComplete": True}, {"targetsReceived": 4096, "isComplete": False})
request("jobs", "9.4", "AddJobTargets", {"targetOffset": 1, "jobId": "job-1", "targets": ["thing-2"]},
        {**TIME, "targetOffset": 999997, "jobId": LONG_JOB, "targets": ["a", "b:c", LONG_THING]},
        BAD_JOB + BAD_NEXT + [("no targets", {"targets": []}), ("target with a slash", {"targets": ["a/b"]})])
reply("jobs", "9.4", "AddJobTargets", {"targetsReceived": 2, "isComplete": False}, {"targetsReceived": 1000000, "isComplete": True})
request("jobs", "9.5", "DescribeJob", {"jobId": "job-1"}, {**TIME, "jobId": LONG_JOB}, BAD_JOB + BAD_NEXT)
job = {"status": "IN_PROGRESS", "createdAtMilliseconds": "1700000000000", "lastUpdatedAtMilliseconds": "1700000000000",
       "targetCount": 1, "notYetQueuedCount": 0, "queuedCount": 1, "inProgressCount": 0, "succeededCount": 0, "failedCount": 0,
       "timedOutCount": 0, "rejectedCount": 0, "removedCount": 0, "canceledCount": 0, "forceCanceled": False, "configuration": {},
       "queuedAttemptCount": 1, "inProgressAttemptCount": 0, "succeededAttemptCount": 0, "failedAttemptCount": 0,
       "timedOutAttemptCount": 0, "rejectedAttemptCount": 0, "removedAttemptCount": 0, "canceledAttemptCount": 0, "jobId": "job-1",
       "abortCriteria": []}
counts = [name for name in job if name.endswith("Count") and name != "targetCount"]
full_job = {**job, "status": "CANCELED", "completedAtMilliseconds": "1700000009999", "inProgressTimeoutInMinutes": "30",
            "targetCount": 45, **{name: n for n, name in enumerate(counts, 1)}, "forceCanceled": True,
            "configuration": FULL_CONFIGURATION, "jobId": LONG_JOB, "description": "all doors", "reasonCode": "ABORT_CRITERION",
            "comment": "5 of 100 things failed – größer als 4,5 %", "abortCriteria": ABORTS}
reply("jobs", "9.5", "DescribeJob", job, full_job)

# -- executions.json --------------------------------------------------------------------------------------

EX = "executions"
one = {"jobId": "job-1", "thingName": "thing-1"}
most = {"executionNumber": I64_MAX, "jobId": LONG_JOB, "thingName": LONG_THING}
execution = {"status": "QUEUED", "forceCanceled": False, "retryAttempt": 0, "executionNumber": "1", "versionNumber": "1",
             "queuedAtMilliseconds": "1700000000000", "lastUpdatedAtMilliseconds": "1700000000000", **one}
running = {**execution, "status": "IN_PROGRESS", "forceCanceled": True, "retryAttempt": 65535, "executionNumber": I64_MAX,
           "versionNumber": "9007199254740993", "startedAtMilliseconds": "1700000001000",
           "lastUpdatedAtMilliseconds": "1700000002000", "approximateSecondsBeforeTimedOut": 604800, "statusDetails": DETAILS}
change = {"status": "SUCCEEDED", "versionNumber": "3", "executionNumber": "1", "lastUpdatedAtMilliseconds": "1700000003000"}
request(EX, "9.6", "DescribeJobExecution", one, {**TIME, **most}, BAD_JOB + BAD_NEXT + BAD_THING + BAD_NUMBER, label="describe")
reply(EX, "9.6", "DescribeJobExecution", execution, running, label="describe reply")
request(EX, "9.7", "DescribeOwnJobExecution", {"includeJobDocument": False, **one}, {**TIME, "includeJobDocument": True, **most},
        BAD_OWN + BAD_THING + BAD_NUMBER + [("$next with executionNumber", {"jobId": "$next", "executionNumber": "1"})],
        label="describe own")
reply(EX, "9.7", "DescribeOwnJobExecution", execution, {**running, "jobDocument": '{"a":[1,2,3]}'}, label="describe own reply")
update = {"status": "SUCCEEDED", "mergeStatusDetails": False, "includeJobExecutionState": False, "includeJobDocument": False, **one}
request(EX, "9.8", "UpdateJobExecution", update,
        {**TIME, "status": "IN_PROGRESS", "mergeStatusDetails": True, "includeJobExecutionState": True, "includeJobDocument": True,
         "expectedVersion": I64_MIN, "stepTimeoutInMinutes": "-1", "idempotencyKey": KEY, **most, "statusDetails": DETAILS},
        BAD_JOB + BAD_NEXT + BAD_THING + BAD_NUMBER + BAD_STEP + BAD_DETAILS
        + [(f"status {s}", {"status": s}) for s in ("QUEUED", "TIMED_OUT", "REMOVED", "CANCELED")], label="update")
reply(EX, "9.8", "UpdateJobExecution", change, {**change, "statusDetails": DETAILS, "jobDocument": "{}"}, label="update reply")
request(EX, "9.9", "CancelJobExecution", {"force": False, **one},
        {**TIME, "force": True, "expectedVersion": "7", "idempotencyKey": KEY, **most, "statusDetails": DETAILS},
        BAD_JOB + BAD_NEXT + BAD_THING + BAD_NUMBER + BAD_DETAILS, label="cancel")
reply(EX, "9.9", "CancelJobExecution", {**change, "status": "CANCELED"},
      {**change, "status": "CANCELED", "versionNumber": I64_MAX, "executionNumber": I64_MAX}, label="cancel reply")
request(EX, "9.10", "StartNextPendingJobExecution", {"thingName": "thing-1"},
        {**TIME, "stepTimeoutInMinutes": "10080", "idempotencyKey": KEY, "thingName": LONG_THING, "statusDetails": DETAILS},
        BAD_THING + BAD_STEP + [("stepTimeoutInMinutes -1", {"stepTimeoutInMinutes": "-1"})] + BAD_DETAILS, label="start next")
reply(EX, "9.10", "StartNextPendingJobExecution", {**execution, "status": "IN_PROGRESS", "jobDocument": "{}"},
      {**running, "jobDocument": '{"steps":["download","verify","restart"]}'}, label="start next reply")

# -- lists.json -----------------------------------------------------------------------------------------------

summary = execution
started = {name: running[name] for name in running if name not in ("approximateSecondsBeforeTimedOut", "statusDetails")}
TOKEN = "0102030405060708"
request("lists", "9.11", "GetPendingJobExecutions", {"thingName": "thing-1"},
        {**TIME, "maxResults": 250, "thingName": LONG_THING, "nextToken": "ab" * 64}, BAD_THING + BAD_RESULTS + BAD_TOKEN, label="pending")
reply("lists", "9.11", "GetPendingJobExecutions", {"totalCount": 0, "inProgressCount": 0, "queuedCount": 0, "executions": []},
      {"totalCount": 12, "inProgressCount": 1, "queuedCount": 2, "nextToken": TOKEN,
       "executions": [started, summary, {**summary, "jobId": "job-2"}]}, label="pending reply")
for opcode, section, field, bad, label in (("ListJobExecutionsForJob", "9.12", "jobId", BAD_JOB + BAD_NEXT, "list for job"),
                                           ("ListJobExecutionsForThing", "9.13", "thingName", BAD_THING, "list for thing")):
    request("lists", section, opcode, {field: one[field]},
            {**TIME, "maxResults": 1, "status": "CANCELED", field: most[field], "nextToken": "ab" * 64},
            bad + BAD_RESULTS + BAD_TOKEN, label=label)
    reply("lists", section, opcode, {"count": 0, "executions": []},
          {"count": 2, "nextToken": TOKEN, "executions": [summary, started]}, label=label + " reply")

# -- batch.json -----------------------------------------------------------------------------------------------

failure = {"applied": 0, "message": ""}
state = {"applied": 0, "status": "IN_PROGRESS", "versionNumber": "5", "executionNumber": "1", "message": "expected 4"}


def untimed(fields):
    return {name: value for name, value in fields.items() if name != "timeoutMilliseconds"}


for opcode, label in (("DescribeJobExecution", "describe"), ("UpdateJobExecution", "update"), ("CancelJobExecution", "cancel")):
    ask = next(c for c in CASES if c.opcode == opcode and not c.reply)
    answer = next(c for c in CASES if c.opcode == opcode and c.reply)
    item = lambda fields, status="OK": {"status": status, "fields": fields}
    small, large = untimed(ask.minimal), untimed(ask.full)
    request("batch", "9.14", "Batch" + opcode, {"itemCount": 1, "items": [item(small)]},
            {**TIME, "itemCount": 3, "items": [item(small), item(large), item(small)]},
            [("no items", {"itemCount": 0, "items": []})], label=f"batch {label}")
    reply("batch", "9.14", "Batch" + opcode, {"itemCount": 1, "items": [item(answer.minimal)]},
          {"itemCount": 4, "items": [item(answer.minimal), item(answer.full), item(failure, "NOT_FOUND"),
                                     item(state, "VERSION_MISMATCH")]}, label=f"batch {label} reply")

# -- failures.json --------------------------------------------------------------------------------------------

reply("failures", "8.3", "UpdateJobExecution", failure,
      {"applied": 2, "status": "IN_PROGRESS", "retryAfterMilliseconds": 1500, "versionNumber": I64_MAX, "executionNumber": "2",
       "message": "expectedVersion 4, versionNumber 9223372036854775807", "statusDetails": DETAILS},
      status="VERSION_MISMATCH", label="failure")
