"""The job configuration block and the abort criteria of SPEC.md (8.6, `aborts` in section 2).

On the wire the block is flat; in the vectors it is a nested object (CONFORMANCE.md). In between the fields
have their flat names from the spec's table, so that layouts, presence bits and limits need no special case.
"""

import struct

FAILURE_TYPES = ["FAILED", "REJECTED", "TIMED_OUT", "ALL"]
INCREASE_CRITERIA = ["numberOfNotifiedThings", "numberOfSucceededThings"]
RETRY_FIELDS = ("retryCriterionCount", "retryFailureType1", "numberOfRetries1", "retryFailureType2", "numberOfRetries2")
EXPONENTIAL = ("baseRatePerMinute", "incrementFactorTenths", "increaseCriterion", "increaseThreshold")
ROLLOUT_BIT, EXPONENTIAL_BIT = 3, 4  # the same in every message that has the block
ABORT = struct.Struct("<B3sII")


def block(at, with_retries=True):
    """The 24 bytes as lines of a root table. Without retries their five bytes are reserved (9.17)."""
    retries = (f"{at} enum:0,1,2 retryCriterionCount; {at + 1} enum:0,1,2,3,4 retryFailureType1; {at + 2} u8 numberOfRetries1;"
               f"{at + 3} enum:0,1,2,3,4 retryFailureType2; {at + 4} u8 numberOfRetries2;")
    return ((retries if with_retries else f"{at} r5 reserved;")
            + f"{at + 5} enum:1,2 increaseCriterion @4; {at + 6} u8 incrementFactorTenths @4 !incrementFactor; {at + 7} r1 reserved;"
            f"{at + 8} u32 maximumPerMinute @3 !rate; {at + 12} u32 baseRatePerMinute @4 !rate;"
            f"{at + 16} u32 increaseThreshold @4 !atLeastOne; {at + 20} r4 reserved;")


def flatten(fields):
    """The same fields with the configuration under its flat names."""
    if "configuration" not in fields:
        return fields
    flat, nested = dict(fields), fields["configuration"]
    del flat["configuration"]
    criteria = nested.get("retryCriteria", [])
    if criteria:
        flat["retryCriterionCount"] = len(criteria)
    for number, criterion in enumerate(criteria, 1):
        flat[f"retryFailureType{number}"] = FAILURE_TYPES.index(criterion["failureType"]) + 1
        flat[f"numberOfRetries{number}"] = criterion["numberOfRetries"]
    rollout = nested.get("rollout")
    if rollout:
        flat["maximumPerMinute"] = rollout["maximumPerMinute"]
        rate = rollout.get("exponentialRate")
        if rate:
            flat |= {**rate, "increaseCriterion": INCREASE_CRITERIA.index(rate["increaseCriterion"]) + 1}
    return flat


def retry_criteria(flat):
    """[(failure type, number of retries)] of those that count."""
    return [(FAILURE_TYPES[flat[f"retryFailureType{n}"] - 1], flat[f"numberOfRetries{n}"])
            for n in range(1, flat.get("retryCriterionCount", 0) + 1)]


def nest(flat):
    """The opposite of flatten; absent parts are left out."""
    fields, nested = {name: value for name, value in flat.items() if name not in RETRY_FIELDS}, {}
    criteria = retry_criteria(flat)
    if criteria:
        nested["retryCriteria"] = [{"failureType": kind, "numberOfRetries": retries} for kind, retries in criteria]
    if "maximumPerMinute" in flat:
        nested["rollout"] = {"maximumPerMinute": fields.pop("maximumPerMinute")}
        if "increaseCriterion" in flat:
            rate = {name: fields.pop(name) for name in EXPONENTIAL}
            rate["increaseCriterion"] = INCREASE_CRITERIA[rate["increaseCriterion"] - 1]
            nested["rollout"]["exponentialRate"] = rate
    return {**fields, "configuration": nested}


def block_fault(presence, flat):
    """What is malformed about the block as a whole, or None."""
    if presence >> EXPONENTIAL_BIT & 1 and not presence >> ROLLOUT_BIT & 1:
        return "exponentialRate without rollout"
    for number in (1, 2):
        kind, retries = flat.get(f"retryFailureType{number}", 0), flat.get(f"numberOfRetries{number}", 0)
        if number <= flat.get("retryCriterionCount", 0):
            if kind == 0:
                return "failure type 0"
        elif kind or retries:
            return "a retry criterion that does not count is not 0"
    return None


def retries_in_limits(flat):
    criteria = retry_criteria(flat)
    kinds = [kind for kind, _ in criteria]
    return ("REJECTED" not in kinds and len(set(kinds)) == len(kinds) and ("ALL" not in kinds or len(kinds) == 1)
            and sum(retries for _, retries in criteria) <= 10)


def encode_aborts(criteria):
    criteria = criteria or []
    return struct.pack("<H", len(criteria)) + b"".join(
        ABORT.pack(FAILURE_TYPES.index(c["failureType"]) + 1, bytes(3), c["thresholdPercentageHundredths"], c["minNumberOfExecutedThings"])
        for c in criteria)


def decode_abort(raw):
    """One criterion, or None when it is malformed."""
    kind, reserved, threshold, least = ABORT.unpack(raw)
    if any(reserved) or not 1 <= kind <= len(FAILURE_TYPES):
        return None
    return {"failureType": FAILURE_TYPES[kind - 1], "thresholdPercentageHundredths": threshold, "minNumberOfExecutedThings": least}


def aborts_in_limits(criteria):
    return len(criteria) <= 16 and all(c["thresholdPercentageHundredths"] <= 10000 and c["minNumberOfExecutedThings"] >= 1
                                       for c in criteria)
