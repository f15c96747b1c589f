"""The limits of SPEC.md section 12 (and those that single messages name).

check(rule, value) is true when the value is inside its limits. They bind requests, HELLO and WELCOME;
a reader of a reply checks only the structure and that texts are UTF-8.
"""

import json
import re
import unicodedata

from errand_configuration import aborts_in_limits, retries_in_limits
from errand_watches import watch_in_limits

JOB_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
THING_NAME = re.compile(r"[a-zA-Z0-9:_-]{1,128}")
REASON_CODE = re.compile(r"[A-Z0-9_]{0,128}")
REPORTED = ("IN_PROGRESS", "SUCCEEDED", "FAILED", "REJECTED")


def _plain(text, least, most):
    return least <= len(text) <= most and not any(unicodedata.category(c)[0] == "C" for c in text)


def _document(text):
    if not 1 <= len(text.encode()) <= 32768:
        return False

    def refuse(word):
        raise ValueError(word)  # NaN and Infinity are not JSON

    try:
        json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        return False
    return True


def _details(pairs):
    keys = [key for key, _ in pairs]
    return (len(pairs) <= 10 and len(set(keys)) == len(keys)
            and all(THING_NAME.fullmatch(key) for key in keys)
            and all(_plain(value, 1, 1024) for _, value in pairs))


def _targets(names):
    return all(THING_NAME.fullmatch(name) for name in names)


RULES = {
    "jobId": lambda v: bool(JOB_ID.fullmatch(v)),
    "jobIdOrNext": lambda v: v == "$next" or bool(JOB_ID.fullmatch(v)),
    "thingName": lambda v: bool(THING_NAME.fullmatch(v)),
    "executionNumber": lambda v: int(v) >= 1,
    "inProgressTimeout": lambda v: 1 <= int(v) <= 10080,
    "stepTimeout": lambda v: 1 <= int(v) <= 10080,
    "stepTimeoutOfUpdate": lambda v: int(v) == -1 or 1 <= int(v) <= 10080,
    "reportedStatus": lambda v: v in REPORTED,
    "maxResults": lambda v: 1 <= v <= 250,
    "itemCount": lambda v: 1 <= v <= 256,
    "targetCount": lambda v: 1 <= v <= 1000000,
    "nextToken": lambda v: len(v) // 2 <= 64,
    "description": lambda v: _plain(v, 0, 2028),
    "comment": lambda v: _plain(v, 0, 2028),
    "reasonCode": lambda v: bool(REASON_CODE.fullmatch(v)),
    "rate": lambda v: 1 <= v <= 1000,
    "incrementFactor": lambda v: 11 <= v <= 50,
    "aborts": aborts_in_limits,
    "document": _document,
    "details": _details,
    "targets": _targets,
    "someTargets": lambda v: len(v) >= 1 and _targets(v),
    "atLeastOne": lambda v: v >= 1,
    "segmentFloor": lambda v: v >= 65536,
    "name64": lambda v: len(v.encode()) <= 64,
    "credential": lambda v: len(v) // 2 <= 2048,
}


def check(rule, value):
    return RULES[rule](value)


def check_together(layout_name, fields):
    """Limits that tie several fields of one message together; the configuration block is flat here."""
    if layout_name == "DescribeOwnJobExecution":
        return not (fields["jobId"] == "$next" and "executionNumber" in fields)
    if layout_name == "CreateJob":
        return len(fields["targets"]) <= fields["targetCount"] and retries_in_limits(fields)
    if layout_name == "Watch":
        return watch_in_limits(fields)
    if layout_name == "HELLO":
        return fields["credentialKind"] != 0 or fields["credential"] == ""
    return True
