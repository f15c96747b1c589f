"""The messages of SPEC.md 9.15 to 9.22, as vector_cases.py has the others, and their single vectors."""

from errand_layout import EXECUTION_STATUS, JOB_STATUS
from errand_wire import encode_body
from vector_cases import (ABORTS, BAD_ABORTS, BAD_DESCRIPTION, BAD_JOB, BAD_NEXT, BAD_NUMBER, BAD_RESULTS, BAD_ROLLOUT, BAD_THING,
                          BAD_TIMEOUT, BAD_TOKEN, CASES, DETAILS, I64_MAX, I64_MIN, KEY, KEY_2, LONG_JOB, LONG_THING, TIME, TOKEN,
                          abort, exponential, full_job, job, most, one, reply, request, retries, rollout)

assert CASES
JOBS = "jobs-operations"
named, named_long = {"jobId": "job-1"}, {"jobId": LONG_JOB}
BAD_REASON = [(f"reasonCode {name}", {"reasonCode": value}) for name, value in (
    ("with lower case", "Faulty"), ("129 bytes", "R" * 129), ("with a space", "NOT GOOD"), ("with a hyphen", "NOT-GOOD"), ("not ASCII", "GRÖSSE"))]
BAD_COMMENT = [(f"comment {name}", {"comment": value}) for name, value in (
    ("with a control character", "line\nline"), ("2029 scalars", "c" * 2029), ("with a format character", "x\u200by"),
    ("with a private use character", "\ue000"), ("with an unassigned character", "\u0378"))]

# -- jobs-operations.json ---------------------------------------------------------------------------------

request(JOBS, "9.15", "CancelJob", {"force": False, **named},
        {**TIME, "force": True, "idempotencyKey": KEY, **named_long, "reasonCode": "BAD_FIRMWARE_2",
         "comment": "Firmware 2.4 löscht die Schlüssel 🚪"}, BAD_JOB + BAD_NEXT + BAD_REASON + BAD_COMMENT)
reply(JOBS, "9.15", "CancelJob", {**job, "status": "CANCELED", "queuedCount": 0, "canceledCount": 1, "queuedAttemptCount": 0,
                                  "canceledAttemptCount": 1, "completedAtMilliseconds": "1700000003000"}, full_job)
request(JOBS, "9.16", "DeleteJob", {"force": False, **named}, {**TIME, "force": True, "idempotencyKey": KEY_2, **named_long},
        BAD_JOB + BAD_NEXT)
reply(JOBS, "9.16", "DeleteJob", {}, {})
request(JOBS, "9.17", "UpdateJob", {"configuration": {}, "endsRetries": False, **named},
        {**TIME, "inProgressTimeoutInMinutes": "10080", "configuration": rollout(1000, exponential(criterion="numberOfSucceededThings")),
         "endsRetries": True, "idempotencyKey": KEY, **named_long, "description": "jetzt für alle Türen", "abortCriteria": ABORTS},
        BAD_JOB + BAD_NEXT + BAD_TIMEOUT + BAD_DESCRIPTION + BAD_ROLLOUT + BAD_ABORTS)
reply(JOBS, "9.17", "UpdateJob", job, {**full_job, "status": "IN_PROGRESS"})
request(JOBS, "9.19", "GetJobDocument", named, {**TIME, **named_long}, BAD_JOB + BAD_NEXT)
reply(JOBS, "9.19", "GetJobDocument", {"document": "{}"}, {"document": '{"steps":["download","prüfen","restart"]}'})
request(JOBS, "9.20", "RemoveJobTargets", {**named, "targets": ["thing-1"]},
        {**TIME, "idempotencyKey": KEY, **named_long, "targets": ["thing-1", "a:b_c-D9", LONG_THING]},
        BAD_JOB + BAD_NEXT + [("no targets", {"targets": []}), ("target with a slash", {"targets": ["a/b"]}), ("target empty", {"targets": [""]}),
                              ("target 129 bytes", {"targets": ["t" * 129]})])
reply(JOBS, "9.20", "RemoveJobTargets", {"removedCount": 0}, {"removedCount": 1000000})

# -- lists.json and executions.json ------------------------------------------------------------------------

entry = {"status": "IN_PROGRESS", "createdAtMilliseconds": "1700000000000", "lastUpdatedAtMilliseconds": "1700000000000",
         "targetCount": 1, "jobId": "job-1"}
ended = {**entry, "status": "COMPLETED", "lastUpdatedAtMilliseconds": "1700000009999", "completedAtMilliseconds": "1700000009999",
         "targetCount": 1000000, "jobId": LONG_JOB}
request("lists", "9.18", "ListJobs", {}, {**TIME, "maxResults": 250, "status": "DELETION_IN_PROGRESS", "nextToken": "ab" * 64},
        BAD_RESULTS + BAD_TOKEN, label="list jobs")
reply("lists", "9.18", "ListJobs", {"count": 0, "jobs": []}, {"count": 2, "nextToken": TOKEN, "jobs": [entry, ended]},
      label="list jobs reply")
request("executions", "9.21", "DeleteJobExecution", {"executionNumber": "1", "force": False, **one},
        {**TIME, "force": True, "idempotencyKey": KEY, **most}, BAD_JOB + BAD_NEXT + BAD_THING + BAD_NUMBER, label="delete execution")
reply("executions", "9.21", "DeleteJobExecution", {}, {}, label="delete execution reply")

# -- history.json --------------------------------------------------------------------------------------------

birth = {"kind": 1, "actor": 2, "toStatus": "QUEUED", "atMilliseconds": "1700000000000", "versionNumber": "1"}
start = {"kind": 1, "actor": 1, "fromStatus": "QUEUED", "toStatus": "IN_PROGRESS", "atMilliseconds": "1700000001000", "versionNumber": "2",
         "statusDetails": DETAILS}
end = {"kind": 1, "actor": 3, "fromStatus": "IN_PROGRESS", "toStatus": "TIMED_OUT", "atMilliseconds": "1700000601000", "versionNumber": "3"}
late = {"kind": 2, "actor": 1, "fromStatus": "TIMED_OUT", "toStatus": "SUCCEEDED", "atMilliseconds": "1700000601001", "versionNumber": "3",
        "statusDetails": [["progress", "100%"]]}
request("history", "9.22", "GetJobExecutionHistory", one, {**TIME, "maxResults": 250, **most, "nextToken": "ab" * 64},
        BAD_JOB + BAD_NEXT + BAD_THING + BAD_NUMBER + BAD_RESULTS + BAD_TOKEN, label="history")
reply("history", "9.22", "GetJobExecutionHistory", {"count": 0, "droppedCount": 0, "entries": []},
      {"count": 4, "droppedCount": 4294967295, "nextToken": TOKEN, "entries": [birth, start, end, late]}, label="history reply")


def add_operation_extras(builders):
    cancel, update = builders["CancelJob"], builders["UpdateJob"]
    plain = cancel.case.minimal
    for name, change in (("with a key of zeros", {"idempotencyKey": "0" * 32}), ("with force", {"force": True}),
                         ("with the longest reasonCode", {"reasonCode": "R_9" * 42 + "R_"}), ("with an empty reasonCode", {"reasonCode": ""}),
                         ("with the longest comment", {"comment": "🚚" * 2028}), ("with an empty comment", {"comment": ""})):
        cancel.valid(name, {**plain, **change})
    plain = update.case.minimal
    for name, change in (("with a rollout only", {"configuration": rollout(7)}), ("with endsRetries", {"endsRetries": True}),
                         ("with the largest rates", {"configuration": rollout(1000, exponential(1000, 50, threshold=4294967295))}),
                         ("with an empty description", {"description": ""}), ("with empty abortCriteria", {"abortCriteria": []}),
                         ("with 16 abort criteria", {"abortCriteria": [abort("ALL", 10000 - n, n + 1) for n in range(16)]}),
                         ("with a key", {"idempotencyKey": KEY})):
        update.valid(name, {**plain, **change})
    for label in ("DeleteJob", "RemoveJobTargets", "delete execution"):
        builder = builders[label]
        builder.valid("with a key of zeros", {**builder.case.minimal, "idempotencyKey": "0" * 32})
    answer = builders["UpdateJob reply"]
    answer.valid("with 10 retries of ALL", {**answer.case.minimal, "configuration": retries(("ALL", 10))})
    jobs = builders["list jobs"]
    for status in JOB_STATUS:
        jobs.valid(f"with status {status}", {"status": status})
    listed = builders["list jobs reply"]
    listed.valid("with every status", {"count": 4, "jobs": [{**entry, "status": status} for status in JOB_STATUS]})
    listed.valid("with a token and no jobs", {"count": 0, "nextToken": TOKEN, "jobs": []})
    history = builders["history reply"]
    for kind in (1, 2):
        history.valid(f"with kind {kind} to every status", {"count": 8, "droppedCount": 0, "entries": [
            {**start, "kind": kind, "actor": n % 3 + 1, "fromStatus": EXECUTION_STATUS[-n - 1], "toStatus": status, "versionNumber": str(n + 1)}
            for n, status in enumerate(EXECUTION_STATUS)]})
    history.valid("with extreme numbers", {"count": 2, "droppedCount": 1, "entries": [
        {**birth, "atMilliseconds": I64_MIN, "versionNumber": I64_MAX}, {**birth, "atMilliseconds": I64_MAX, "versionNumber": I64_MAX}]})
    fields = {"count": 1, "droppedCount": 0, "entries": [{**birth, "statusDetails": []}]}
    history.good("degenerate", "with empty statusDetails", fields, history.frame(encode_body(history.layout, fields)[0]), "8.7")
