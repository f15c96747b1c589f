"""What the messages of watches (SPEC.md 7.7 to 7.11, 8.9, 9.23) ask for beyond their layouts."""

# One scope a row of 9.23's table: whether jobId and thingName are there.
SCOPES = {1: (False, False), 2: (True, False), 3: (False, True), 4: (True, True), 5: (False, True)}
QUEUE = 5
EXECUTION_KINDS, JOB_KINDS = (1, 2), (3, 4)
MUST_BE_PRESENT = {1: ("toStatus", "thingName", "executionNumber", "versionNumber"),
                   2: ("fromStatus", "thingName", "executionNumber", "versionNumber"), 3: ("toStatus",), 4: ("fromStatus",)}
MUST_BE_ABSENT = {1: (), 2: ("toStatus", "statusDetails"), 3: ("thingName", "executionNumber", "versionNumber", "statusDetails"),
                  4: ("toStatus", "thingName", "executionNumber", "versionNumber", "statusDetails")}


def watch_in_limits(fields):
    """9.23: the names that the scope asks for and no other, and no fromRevision with scope queue."""
    names = ("jobId" in fields, "thingName" in fields)
    return names == SCOPES[fields["scope"]] and not (fields["scope"] == QUEUE and "fromRevision" in fields)


def event_fault(fields):
    """What is malformed in a JobExecutionEvent by the table of 8.9, or None."""
    kind = fields["kind"]
    for name in MUST_BE_PRESENT[kind]:
        if name not in fields:
            return f"kind {kind} without {name}"
    for name in MUST_BE_ABSENT[kind]:
        if name in fields:
            return f"kind {kind} with {name}"
    return None


def control_fault(name, status, fields):
    """What the text of 7.7 and 7.9 forbids in a control message with a well-formed body, or None."""
    if name == "EVENTS":
        revisions = [int(event["revision"]) for event in fields["events"]]
        if any(later <= earlier for earlier, later in zip(revisions, revisions[1:])):
            return "revisions that do not rise"
        if revisions and int(fields["revision"]) < revisions[-1]:
            return "revision below that of the last record"
    if name == "WATCH_ENDED":
        if status == 0:
            return "status 0"
        if fields["applied"] or "status" in fields:
            return "applied, or an execution state"
    return None
