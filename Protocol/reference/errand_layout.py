"""The tables of SPEC.md sections 5, 7, 8, 9, 10 and 11 as data.

A root field is one line: offset, type, name, then optionally `@bit` (its presence bit) and
`!rule` (its limit in errand_limits.py). A variable field has no offset. `reserved` takes a
byte count in its type, such as `r7`. `enum:0,1` lists the only values a u8 may take. `^512` is the most
bytes that a text may have in any message. The configuration block (8.6) is a run of such lines, made by
errand_configuration.block.
"""

from errand_configuration import block

OPCODES = {
    "HELLO": 0x01, "WELCOME": 0x02, "CONNECTION_ERROR": 0x03, "PING": 0x04, "PONG": 0x05,
    "GOAWAY": 0x06, "CANCEL_CALL": 0x07, "EVENTS": 0x08, "NOTIFY": 0x09, "NOTIFY_NEXT": 0x0A,
    "WATCH_ENDED": 0x0B, "WATCH_CREDIT": 0x0C, "END_WATCH": 0x0D,
    "Health": 0x10, "ServerInfo": 0x11, "CreateJob": 0x20, "AddJobTargets": 0x21, "DescribeJob": 0x22,
    "CancelJob": 0x23, "DeleteJob": 0x24, "UpdateJob": 0x25, "ListJobs": 0x26, "GetJobDocument": 0x27, "RemoveJobTargets": 0x28,
    "DescribeJobExecution": 0x30, "UpdateJobExecution": 0x31, "CancelJobExecution": 0x32,
    "StartNextPendingJobExecution": 0x33, "GetPendingJobExecutions": 0x34,
    "ListJobExecutionsForJob": 0x35, "ListJobExecutionsForThing": 0x36,
    "DescribeOwnJobExecution": 0x38, "DeleteJobExecution": 0x39, "GetJobExecutionHistory": 0x3A,
    "BatchDescribeJobExecution": 0x40,
    "BatchUpdateJobExecution": 0x41, "BatchCancelJobExecution": 0x42, "Watch": 0x50,
}
OPCODE_NAMES = {number: name for name, number in OPCODES.items()}
FIRST_CALL_OPCODE = 0x10
OF_WATCHES = ("EVENTS", "NOTIFY", "NOTIFY_NEXT", "WATCH_ENDED", "WATCH_CREDIT", "END_WATCH")
NAME_A_CALL = ("CANCEL_CALL", *OF_WATCHES)  # the control messages whose requestId may be other than 0
HAVE_A_STATUS = ("CONNECTION_ERROR", "GOAWAY", "WATCH_ENDED")  # the same for the status

STATUS = {
    "OK": 0, "CANCELLED": 1, "UNKNOWN": 2, "INVALID_REQUEST": 3, "DEADLINE_EXCEEDED": 4, "NOT_FOUND": 5,
    "ALREADY_EXISTS": 6, "PERMISSION_DENIED": 7, "RESOURCE_EXHAUSTED": 8, "FAILED_PRECONDITION": 9,
    "ABORTED": 10, "OUT_OF_RANGE": 11, "UNIMPLEMENTED": 12, "INTERNAL": 13, "UNAVAILABLE": 14,
    "DATA_LOSS": 15, "UNAUTHENTICATED": 16, "VERSION_MISMATCH": 32, "INVALID_STATE_TRANSITION": 33,
    "TERMINAL_STATE": 34, "LIMIT_EXCEEDED": 35, "THROTTLED": 36, "IDEMPOTENCY_CONFLICT": 37,
    "WATCH_COMPACTED": 38, "SLOW_CONSUMER": 39,
    "PROTOCOL_ERROR": 48,
}
STATUS_NAMES = {number: name for name, number in STATUS.items()}

REASONS = {  # name: (reason, status)
    "BAD_MAGIC": (1, 48), "TLS_ON_PLAINTEXT": (2, 48), "HTTP_ON_PLAINTEXT": (3, 48),
    "UNSUPPORTED_VERSION": (4, 48), "FEATURE_UNKNOWN": (5, 48), "CREDENTIAL_REFUSED": (6, 16),
    "HANDSHAKE_TIMEOUT": (7, 48), "SEGMENT_HEADER_CORRUPT": (8, 48), "SEGMENT_FLAGS_UNKNOWN": (9, 48),
    "SEGMENT_TOO_LARGE": (10, 48), "SEGMENT_LENGTH_INVALID": (11, 48), "SEGMENT_CHECKSUM_MISMATCH": (12, 48),
    "COMPRESSION_NOT_AGREED": (13, 48), "COMPRESSION_CORRUPT": (14, 48), "COMPRESSION_TRUNCATED": (15, 48),
    "COMPRESSION_LENGTH_MISMATCH": (16, 48), "COMPRESSION_TRAILING_BYTES": (17, 48),
    "FRAME_OVERRUNS_SEGMENT": (18, 48), "FRAME_FLAGS_UNKNOWN": (19, 48), "FRAME_UNEXPECTED": (20, 48),
    "CONTROL_MALFORMED": (21, 48), "REQUEST_ID_NOT_RISING": (22, 48), "WINDOW_EXCEEDED": (23, 8),
    "CONTROL_FLOOD": (24, 8), "SEGMENT_TIMEOUT": (25, 48), "IDLE_TIMEOUT": (26, 14), "SLOW_READER": (27, 8),
    "UNREQUESTED_REPLY": (28, 48), "CONNECTION_LIMIT": (29, 14),
}

EXECUTION_STATUS = ["QUEUED", "IN_PROGRESS", "SUCCEEDED", "FAILED", "TIMED_OUT", "REJECTED", "REMOVED", "CANCELED"]
JOB_STATUS = ["IN_PROGRESS", "COMPLETED", "CANCELED", "DELETION_IN_PROGRESS"]

WIDTHS = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "i64": 8, "bool": 1, "executionStatus": 1, "jobStatus": 1, "eventStatus": 1,
          "key": 16}  # eventStatus: the kind, a field in front of it, says of which list (8.9)


class Field:
    def __init__(self, words, variable):
        self.offset = None if variable else int(words.pop(0))
        self.type, self.name = words.pop(0), words.pop(0)
        self.bit = next((int(w[1:]) for w in words if w[0] == "@"), None)
        self.rule = next((w[1:] for w in words if w[0] == "!"), None)
        self.most = next((int(w[1:]) for w in words if w[0] == "^"), None)
        self.reserved = self.type[0] == "r"

    @property
    def width(self):
        if self.reserved:
            return int(self.type[1:])
        return 1 if self.type.startswith("enum:") else WIDTHS[self.type]


class Layout:
    """One body. records: None, or (field name, element, names of the count fields); the items of a batch have
    a status and fields each, records of another name only fields."""

    def __init__(self, name, root, fields, variable="", records=None, may_be_empty=False):
        self.name, self.root, self.records, self.may_be_empty = name, root, records, may_be_empty
        split = lambda text: [line.split() for line in text.split(";") if line.strip()]
        self.fields = [Field(words, False) for words in split(fields)]
        self.variable = [Field(words, True) for words in split(variable)]
        self.has_presence = any(f.name == "presence" for f in self.fields)
        self.has_configuration = any(f.name == "maximumPerMinute" for f in self.fields)
        self.known_bits = sum(1 << b for b in {f.bit for f in self.fields + self.variable if f.bit is not None})
        end = 0
        for field in self.fields:  # the table must cover the root block without holes
            assert field.offset == end, (name, field.name)
            end += field.width
        assert end == root, (name, end)

    def field(self, name):
        return next(f for f in self.fields + self.variable if f.name == name)


CALL = "0 u32 presence; 4 u32 timeoutMilliseconds @0;"
SUMMARY_ROOT = ("0 u32 presence; 4 executionStatus status; 5 bool forceCanceled; 6 u16 retryAttempt; 8 i64 executionNumber;"
                "16 i64 versionNumber; 24 i64 queuedAtMilliseconds; 32 i64 startedAtMilliseconds @0;"
                "40 i64 lastUpdatedAtMilliseconds;")
NAMES = "text16 jobId !jobId; text16 thingName !thingName;"

HELLO = Layout("HELLO", 40, "0 u32 presence; 4 u16 versionMin; 6 u16 versionMax; 8 u64 features;"
               "16 u32 segmentByteCountMax !segmentFloor; 20 u8 compressions; 21 enum:0,1 checksums;"
               "22 u8 credentialKind; 23 r1 reserved; 24 r8 reserved; 32 r8 reserved",
               "text16 clientName !name64; text16 clientVersion !name64; bytes16 credential !credential")
WELCOME = Layout("WELCOME", 64, "0 u32 presence; 4 u16 version; 6 enum:0,1 compression; 7 enum:0,1 checksums;"
                 "8 u64 features; 16 u32 segmentByteCountMax !segmentFloor; 20 u32 callsInFlightMax !atLeastOne;"
                 "24 u32 bytesInFlightMax; 28 u32 batchItemCountMax !atLeastOne; 32 u32 pingIntervalMilliseconds; 36 u32 idleTimeoutMilliseconds;"
                 "40 u64 bootId; 48 i64 nowMilliseconds; 56 r8 reserved",
                 "text16 serverName; text16 serverVersion; text16 thingArnPrefix")
CONNECTION_ERROR = Layout("CONNECTION_ERROR", 8, "0 u16 reason; 2 r2 reserved; 4 r4 reserved", "text16 message ^512")
PING = Layout("PING", 8, "0 u64 opaque")
GOAWAY = Layout("GOAWAY", 24, "0 u64 lastRequestId; 8 u32 graceMilliseconds; 12 u32 retryAfterMilliseconds; 16 r8 reserved",
                "text16 message ^512")
CANCEL_CALL = Layout("CANCEL_CALL", 0, "")

JOB_EXECUTION = Layout("JobExecution", 56, SUMMARY_ROOT + "48 u32 approximateSecondsBeforeTimedOut @1; 52 r4 reserved",
                       NAMES + "details statusDetails @3; text32 jobDocument @2")
JOB_EXECUTION_OR_EMPTY = Layout("JobExecution or empty", 56,
                                SUMMARY_ROOT + "48 u32 approximateSecondsBeforeTimedOut @1; 52 r4 reserved",
                                NAMES + "details statusDetails @3; text32 jobDocument @2", may_be_empty=True)
SUMMARY = Layout("JobExecutionSummary", 48, SUMMARY_ROOT, NAMES)
FAILURE = Layout("Failure", 32, "0 u32 presence; 4 enum:0,1,2 applied; 5 executionStatus status @1; 6 r2 reserved;"
                 "8 u32 retryAfterMilliseconds @0; 12 r4 reserved; 16 i64 versionNumber @1; 24 i64 executionNumber @1",
                 "text16 message ^512; details statusDetails @2")
CHANGE = Layout("JobExecutionChange", 32, "0 u32 presence; 4 executionStatus status; 5 r1 reserved; 6 r2 reserved;"
                "8 i64 versionNumber; 16 i64 executionNumber; 24 i64 lastUpdatedAtMilliseconds",
                "details statusDetails @0; text32 jobDocument @1")
TARGETS_REPLY = Layout("CreateJob reply", 16, "0 u32 presence; 4 u32 targetsReceived; 8 bool isComplete; 9 r7 reserved")
PAGE = Layout("page", 8, "0 u32 presence; 4 u32 count", "bytes16 nextToken @0", ("executions", SUMMARY, ("count",)))
DONE = Layout("Done", 8, "0 u32 presence; 4 r4 reserved")
JOB_SUMMARY = Layout("record of ListJobs", 40, "0 u32 presence; 4 jobStatus status; 5 r1 reserved; 6 r2 reserved; 8 i64 createdAtMilliseconds;"
                     "16 i64 lastUpdatedAtMilliseconds; 24 i64 completedAtMilliseconds @0; 32 u32 targetCount; 36 r4 reserved",
                     "text16 jobId")
HISTORY_ENTRY = Layout("JobExecutionHistoryEntry", 24, "0 u32 presence; 4 enum:1,2 kind; 5 enum:1,2,3 actor; 6 executionStatus fromStatus @0;"
                       "7 executionStatus toStatus; 8 i64 atMilliseconds; 16 i64 versionNumber", "details statusDetails @1")
EVENT = Layout("JobExecutionEvent", 56, "0 u32 presence; 4 enum:1,2,3,4 kind; 5 enum:1,2,3 actor; 6 eventStatus fromStatus @0;"
               "7 eventStatus toStatus @1; 8 u64 revision; 16 i64 atMilliseconds; 24 i64 executionNumber @2; 32 i64 versionNumber @3;"
               "40 u16 retryAttempt; 42 bool forceCanceled; 43 r1 reserved; 44 r4 reserved; 48 r8 reserved",
               "text16 jobId; text16 thingName @4; details statusDetails @5")
JOB = Layout("DescribeJob reply", 144, "0 u32 presence; 4 jobStatus status; 5 r1 reserved; 6 r2 reserved;"
             "8 i64 createdAtMilliseconds; 16 i64 lastUpdatedAtMilliseconds; 24 i64 completedAtMilliseconds @0;"
             "32 i64 inProgressTimeoutInMinutes @1; 40 u32 targetCount; 44 u32 notYetQueuedCount;"
             "48 u32 queuedCount; 52 u32 inProgressCount; 56 u32 succeededCount; 60 u32 failedCount;"
             "64 u32 timedOutCount; 68 u32 rejectedCount; 72 u32 removedCount; 76 u32 canceledCount;"
             "80 bool forceCanceled; 81 r1 reserved; 82 r2 reserved; 84 r4 reserved;" + block(88) +
             "112 u32 queuedAttemptCount; 116 u32 inProgressAttemptCount; 120 u32 succeededAttemptCount; 124 u32 failedAttemptCount;"
             "128 u32 timedOutAttemptCount; 132 u32 rejectedAttemptCount; 136 u32 removedAttemptCount; 140 u32 canceledAttemptCount",
             "text16 jobId; text16 description @2; text16 reasonCode @5; text16 comment @6; aborts abortCriteria")
FORCED = CALL + "8 bool force; 9 r1 reserved; 10 r2 reserved; 12 r4 reserved; 16 key idempotencyKey @1"

REQUESTS = {
    "Health": Layout("Health", 8, CALL),
    "ServerInfo": Layout("ServerInfo", 8, CALL),
    "CreateJob": Layout("CreateJob", 48, CALL + "8 i64 inProgressTimeoutInMinutes @1 !inProgressTimeout;"
                        "16 u32 targetCount !targetCount; 20 enum:0,1 targetSelection; 21 r1 reserved; 22 r2 reserved;" + block(24),
                        "text16 jobId !jobId; text16 description @2 !description; text32 document !document;"
                        "names targets !targets; aborts abortCriteria !aborts"),
    "AddJobTargets": Layout("AddJobTargets", 16, CALL + "8 u32 targetOffset; 12 r4 reserved",
                            "text16 jobId !jobId; names targets !someTargets"),
    "DescribeJob": Layout("DescribeJob", 8, CALL, "text16 jobId !jobId"),
    "CancelJob": Layout("CancelJob", 32, FORCED, "text16 jobId !jobId; text16 reasonCode @2 !reasonCode; text16 comment @3 !comment"),
    "DeleteJob": Layout("DeleteJob", 32, FORCED, "text16 jobId !jobId"),
    "UpdateJob": Layout("UpdateJob", 64, CALL + "8 i64 inProgressTimeoutInMinutes @1 !inProgressTimeout;" + block(16, with_retries=False) +
                        "40 bool endsRetries; 41 r1 reserved; 42 r2 reserved; 44 r4 reserved; 48 key idempotencyKey @6",
                        "text16 jobId !jobId; text16 description @2 !description; aborts abortCriteria @5 !aborts"),
    "ListJobs": Layout("ListJobs", 16, CALL + "8 u32 maxResults @1 !maxResults; 12 jobStatus status @2; 13 r1 reserved; 14 r2 reserved",
                       "bytes16 nextToken @3 !nextToken"),
    "GetJobDocument": Layout("GetJobDocument", 8, CALL, "text16 jobId !jobId"),
    "RemoveJobTargets": Layout("RemoveJobTargets", 24, CALL + "8 key idempotencyKey @1", "text16 jobId !jobId; names targets !someTargets"),
    "DeleteJobExecution": Layout("DeleteJobExecution", 40, CALL + "8 i64 executionNumber !executionNumber; 16 bool force; 17 r1 reserved;"
                                 "18 r2 reserved; 20 r4 reserved; 24 key idempotencyKey @1", NAMES),
    "GetJobExecutionHistory": Layout("GetJobExecutionHistory", 24, CALL + "8 i64 executionNumber @1 !executionNumber;"
                                     "16 u32 maxResults @2 !maxResults; 20 r4 reserved", NAMES + "bytes16 nextToken @3 !nextToken"),
    "DescribeJobExecution": Layout("DescribeJobExecution", 16, CALL + "8 i64 executionNumber @1 !executionNumber", NAMES),
    "DescribeOwnJobExecution": Layout("DescribeOwnJobExecution", 24, CALL + "8 i64 executionNumber @1 !executionNumber;"
                                      "16 bool includeJobDocument; 17 r1 reserved; 18 r2 reserved; 20 r4 reserved",
                                      "text16 jobId !jobIdOrNext; text16 thingName !thingName"),
    "UpdateJobExecution": Layout("UpdateJobExecution", 56, CALL + "8 executionStatus status !reportedStatus;"
                                 "9 bool mergeStatusDetails; 10 bool includeJobExecutionState; 11 bool includeJobDocument;"
                                 "12 r4 reserved; 16 i64 expectedVersion @1; 24 i64 executionNumber @2 !executionNumber;"
                                 "32 i64 stepTimeoutInMinutes @3 !stepTimeoutOfUpdate; 40 key idempotencyKey @5",
                                 NAMES + "details statusDetails @4 !details"),
    "CancelJobExecution": Layout("CancelJobExecution", 48, CALL + "8 bool force; 9 r1 reserved; 10 r2 reserved; 12 r4 reserved;"
                                 "16 i64 expectedVersion @1; 24 i64 executionNumber @2 !executionNumber;"
                                 "32 key idempotencyKey @4",
                                 NAMES + "details statusDetails @3 !details"),
    "StartNextPendingJobExecution": Layout("StartNextPendingJobExecution", 32,
                                           CALL + "8 i64 stepTimeoutInMinutes @1 !stepTimeout; 16 key idempotencyKey @3",
                                           "text16 thingName !thingName; details statusDetails @2 !details"),
    "GetPendingJobExecutions": Layout("GetPendingJobExecutions", 16, CALL + "8 u32 maxResults @1 !maxResults; 12 r4 reserved",
                                      "text16 thingName !thingName; bytes16 nextToken @2 !nextToken"),
    "Watch": Layout("Watch", 32, CALL + "8 u64 fromRevision @1; 16 u32 credit; 20 enum:1,2,3,4,5 scope; 21 r1 reserved; 22 r2 reserved;"
                    "24 r8 reserved", "text16 jobId @2 !jobId; text16 thingName @3 !thingName"),
}
LIST = CALL + "8 u32 maxResults @1 !maxResults; 12 executionStatus status @2; 13 r1 reserved; 14 r2 reserved"
for _name, _subject in (("ListJobExecutionsForJob", "jobId"), ("ListJobExecutionsForThing", "thingName")):
    REQUESTS[_name] = Layout(_name, 16, LIST, f"text16 {_subject} !{_subject}; bytes16 nextToken @3 !nextToken")

REPLIES = {
    "Health": Layout("Health reply", 8, "0 enum:1,2 state; 1 r7 reserved"),
    "ServerInfo": Layout("ServerInfo reply", 72, "0 u32 presence; 4 u32 minuteLengthMilliseconds; 8 u64 bootId;"
                         "16 i64 startedAtMilliseconds; 24 i64 nowMilliseconds; 32 u64 jobCount; 40 u64 executionCount;"
                         "48 u64 callCount; 56 u64 connectionCount; 64 r8 reserved",
                         "text16 serverName; text16 serverVersion; text16 thingArnPrefix"),
    "CreateJob": TARGETS_REPLY,
    "AddJobTargets": TARGETS_REPLY,
    "DescribeJob": JOB,
    "CancelJob": JOB,
    "DeleteJob": DONE,
    "UpdateJob": JOB,
    "ListJobs": Layout("ListJobs reply", 8, "0 u32 presence; 4 u32 count", "bytes16 nextToken @0", ("jobs", JOB_SUMMARY, ("count",))),
    "GetJobDocument": Layout("GetJobDocument reply", 8, "0 u32 presence; 4 r4 reserved", "text32 document"),
    "RemoveJobTargets": Layout("RemoveJobTargets reply", 8, "0 u32 presence; 4 u32 removedCount"),
    "DeleteJobExecution": DONE,
    "GetJobExecutionHistory": Layout("GetJobExecutionHistory reply", 16, "0 u32 presence; 4 u32 count; 8 u32 droppedCount; 12 r4 reserved",
                                     "bytes16 nextToken @0", ("entries", HISTORY_ENTRY, ("count",))),
    "DescribeJobExecution": JOB_EXECUTION,
    "DescribeOwnJobExecution": JOB_EXECUTION_OR_EMPTY,
    "UpdateJobExecution": CHANGE,
    "CancelJobExecution": CHANGE,
    "StartNextPendingJobExecution": JOB_EXECUTION_OR_EMPTY,
    "GetPendingJobExecutions": Layout("GetPendingJobExecutions reply", 16, "0 u32 presence; 4 u32 totalCount;"
                                      "8 u32 inProgressCount; 12 u32 queuedCount", "bytes16 nextToken @0",
                                      ("executions", SUMMARY, ("inProgressCount", "queuedCount"))),
    "ListJobExecutionsForJob": PAGE,
    "ListJobExecutionsForThing": PAGE,
    "Watch": Layout("Watch reply", 16, "0 u32 presence; 4 r4 reserved; 8 u64 revision"),
}
for _single in ("DescribeJobExecution", "UpdateJobExecution", "CancelJobExecution"):
    REQUESTS["Batch" + _single] = Layout("Batch" + _single, 16, CALL + "8 u32 itemCount !itemCount; 12 r4 reserved", "",
                                         ("items", REQUESTS[_single], ("itemCount",)))
    REPLIES["Batch" + _single] = Layout("Batch" + _single + " reply", 8, "0 u32 presence; 4 u32 itemCount", "",
                                        ("items", REPLIES[_single], ("itemCount",)))

CONTROL = {"HELLO": HELLO, "WELCOME": WELCOME, "CONNECTION_ERROR": CONNECTION_ERROR, "PING": PING, "PONG": PING,
           "GOAWAY": GOAWAY, "CANCEL_CALL": CANCEL_CALL,
           "EVENTS": Layout("EVENTS", 16, "0 u32 presence; 4 u32 count; 8 u64 revision", "", ("events", EVENT, ("count",))),
           "NOTIFY": REPLIES["GetPendingJobExecutions"], "NOTIFY_NEXT": JOB_EXECUTION_OR_EMPTY, "WATCH_ENDED": FAILURE,
           "WATCH_CREDIT": Layout("WATCH_CREDIT", 8, "0 u32 credit; 4 r4 reserved"), "END_WATCH": Layout("END_WATCH", 0, "")}


def layout_of(opcode, reply, status):
    """The layout of a frame's body, from its opcode name, its reply flag and its status code."""
    if opcode in CONTROL:
        return CONTROL[opcode]
    if not reply:
        return REQUESTS[opcode]
    return REPLIES[opcode] if status == 0 else FAILURE
