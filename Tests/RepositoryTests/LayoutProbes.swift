import ErrandCore
import ErrandWire

/// For each message one that is as empty as can be, and for each field a change that touches all of its bytes.
enum LayoutProbes {
    typealias Probes<Body> = [(String, (inout Body) -> Void)]

    static var hello: Probes<Hello> {
        [
            ("versionMin", { $0.versionMin = .max }), ("versionMax", { $0.versionMax = .max }),
            ("features", { $0.features = .max }), ("segmentByteCountMax", { $0.segmentByteCountMax = .max }),
            ("compressions", { $0.compressions = .max }), ("checksums", { $0.checksums = 1 }),
            ("credentialKind", { $0.credentialKind = .max }),
        ]
    }

    static var zeroWelcome: Welcome {
        var welcome = Welcome()
        (welcome.version, welcome.segmentByteCountMax, welcome.callsInFlightMax) = (0, 0, 0)
        (welcome.bytesInFlightMax, welcome.batchItemCountMax) = (0, 0)
        (welcome.pingIntervalMilliseconds, welcome.idleTimeoutMilliseconds) = (0, 0)
        return welcome
    }

    static var welcome: Probes<Welcome> {
        [
            ("version", { $0.version = .max }), ("compression", { $0.compression = 1 }),
            ("checksums", { $0.checksums = 1 }), ("features", { $0.features = .max }),
            ("segmentByteCountMax", { $0.segmentByteCountMax = .max }),
            ("callsInFlightMax", { $0.callsInFlightMax = .max }), ("bytesInFlightMax", { $0.bytesInFlightMax = .max }),
            ("batchItemCountMax", { $0.batchItemCountMax = .max }),
            ("pingIntervalMilliseconds", { $0.pingIntervalMilliseconds = .max }),
            ("idleTimeoutMilliseconds", { $0.idleTimeoutMilliseconds = .max }), ("bootId", { $0.bootId = .max }),
            ("nowMilliseconds", { $0.nowMilliseconds = -1 }),
        ]
    }

    static let emptyCreateJob = CreateJobRequest(jobId: JobId(), document: "", targetCount: 0, targets: [])
    static var createJob: Probes<CreateJobRequest> {
        [
            ("inProgressTimeoutInMinutes", { $0.inProgressTimeoutInMinutes = -1 }),
            ("targetCount", { $0.targetCount = .max }), ("targetSelection", { $0.targetSelection = .continuous }),
        ]
    }

    static let key = IdempotencyKey(high: .max, low: .max)

    static var updateJob: Probes<UpdateJobRequest> {
        [
            ("inProgressTimeoutInMinutes", { $0.inProgressTimeoutInMinutes = -1 }),
            ("endsRetries", { $0.endsRetries = true }), ("idempotencyKey", { $0.idempotencyKey = key }),
        ]
    }

    static let zeroJobSummary = JobSummary(
        jobId: JobId(), status: .inProgress, createdAtMilliseconds: 0, lastUpdatedAtMilliseconds: 0,
        completedAtMilliseconds: nil, targetCount: 0)
    static var jobSummary: Probes<JobSummary> {
        [
            ("status", { $0.status = .canceled }), ("createdAtMilliseconds", { $0.createdAtMilliseconds = -1 }),
            ("lastUpdatedAtMilliseconds", { $0.lastUpdatedAtMilliseconds = -1 }),
            ("completedAtMilliseconds", { $0.completedAtMilliseconds = -1 }),
            ("targetCount", { $0.targetCount = .max }),
        ]
    }

    static let zeroEntry = JobExecutionHistoryEntry(
        kind: .change, actor: .device, atMilliseconds: 0, fromStatus: nil, toStatus: .queued, versionNumber: 0,
        statusDetails: StatusDetails())
    static var entry: Probes<JobExecutionHistoryEntry> {
        [
            ("kind", { $0.kind = .refusedReport }), ("actor", { $0.actor = .service }),
            ("fromStatus", { $0.fromStatus = .canceled }), ("toStatus", { $0.toStatus = .canceled }),
            ("atMilliseconds", { $0.atMilliseconds = -1 }), ("versionNumber", { $0.versionNumber = -1 }),
        ]
    }

    static var update: Probes<UpdateJobExecutionRequest> {
        [
            ("status", { $0.status = .canceled }), ("mergeStatusDetails", { $0.mergeStatusDetails = true }),
            ("includeJobExecutionState", { $0.includeJobExecutionState = true }),
            ("includeJobDocument", { $0.includeJobDocument = true }), ("expectedVersion", { $0.expectedVersion = -1 }),
            ("executionNumber", { $0.executionNumber = -1 }),
            ("stepTimeoutInMinutes", { $0.stepTimeoutInMinutes = -1 }),
            ("idempotencyKey", { $0.idempotencyKey = key }),
        ]
    }

    static let zeroInfo = ServerInfo(
        serverName: "", serverVersion: "", thingArnPrefix: "", minuteLengthMilliseconds: 0, bootId: 0,
        startedAtMilliseconds: 0, nowMilliseconds: 0, jobCount: 0, executionCount: 0, callCount: 0, connectionCount: 0)
    static var info: Probes<ServerInfo> {
        [
            ("minuteLengthMilliseconds", { $0.minuteLengthMilliseconds = .max }), ("bootId", { $0.bootId = .max }),
            ("startedAtMilliseconds", { $0.startedAtMilliseconds = -1 }),
            ("nowMilliseconds", { $0.nowMilliseconds = -1 }),
            ("jobCount", { $0.jobCount = .max }), ("executionCount", { $0.executionCount = .max }),
            ("callCount", { $0.callCount = .max }), ("connectionCount", { $0.connectionCount = .max }),
        ]
    }

    static let zeroJob = Job(
        jobId: JobId(), description: nil, status: .inProgress, createdAtMilliseconds: 0, lastUpdatedAtMilliseconds: 0,
        completedAtMilliseconds: nil, inProgressTimeoutInMinutes: nil, targetCount: 0, notYetQueuedCount: 0,
        processDetails: JobProcessDetails())
    static var job: Probes<Job> {
        [
            ("status", { $0.status = .canceled }), ("createdAtMilliseconds", { $0.createdAtMilliseconds = -1 }),
            ("lastUpdatedAtMilliseconds", { $0.lastUpdatedAtMilliseconds = -1 }),
            ("completedAtMilliseconds", { $0.completedAtMilliseconds = -1 }),
            ("inProgressTimeoutInMinutes", { $0.inProgressTimeoutInMinutes = -1 }),
            ("targetCount", { $0.targetCount = .max }), ("notYetQueuedCount", { $0.notYetQueuedCount = .max }),
            ("queuedCount", { $0.processDetails[.queued] = .max }),
            ("inProgressCount", { $0.processDetails[.inProgress] = .max }),
            ("succeededCount", { $0.processDetails[.succeeded] = .max }),
            ("failedCount", { $0.processDetails[.failed] = .max }),
            ("timedOutCount", { $0.processDetails[.timedOut] = .max }),
            ("rejectedCount", { $0.processDetails[.rejected] = .max }),
            ("removedCount", { $0.processDetails[.removed] = .max }),
            ("canceledCount", { $0.processDetails[.canceled] = .max }),
            ("forceCanceled", { $0.forceCanceled = true }),
            ("queuedAttemptCount", { $0.attemptDetails[.queued] = .max }),
            ("inProgressAttemptCount", { $0.attemptDetails[.inProgress] = .max }),
            ("succeededAttemptCount", { $0.attemptDetails[.succeeded] = .max }),
            ("failedAttemptCount", { $0.attemptDetails[.failed] = .max }),
            ("timedOutAttemptCount", { $0.attemptDetails[.timedOut] = .max }),
            ("rejectedAttemptCount", { $0.attemptDetails[.rejected] = .max }),
            ("removedAttemptCount", { $0.attemptDetails[.removed] = .max }),
            ("canceledAttemptCount", { $0.attemptDetails[.canceled] = .max }),
        ]
    }

    private static func state(
        _ status: JobExecutionStatus = .queued, version: Int64 = 0, number: Int64 = 0
    ) -> JobExecutionState {
        JobExecutionState(
            status: status, versionNumber: version, executionNumber: number, statusDetails: StatusDetails())
    }

    static var failure: Probes<Failure> {
        [
            ("applied", { $0.applied = .yes }), ("retryAfterMilliseconds", { $0.retryAfterMilliseconds = .max }),
            ("status", { $0.executionState = state(.canceled) }),
            ("versionNumber", { $0.executionState = state(version: -1) }),
            ("executionNumber", { $0.executionState = state(number: -1) }),
        ]
    }

    static let zeroSummary = JobExecutionSummary(
        jobId: JobId(), thingName: ThingName(), executionNumber: 0, status: .queued, forceCanceled: false,
        queuedAtMilliseconds: 0, startedAtMilliseconds: nil, lastUpdatedAtMilliseconds: 0, versionNumber: 0,
        retryAttempt: 0)
    static var summary: Probes<JobExecutionSummary> {
        [
            ("status", { $0.status = .canceled }), ("forceCanceled", { $0.forceCanceled = true }),
            ("retryAttempt", { $0.retryAttempt = .max }), ("executionNumber", { $0.executionNumber = -1 }),
            ("versionNumber", { $0.versionNumber = -1 }), ("queuedAtMilliseconds", { $0.queuedAtMilliseconds = -1 }),
            ("startedAtMilliseconds", { $0.startedAtMilliseconds = -1 }),
            ("lastUpdatedAtMilliseconds", { $0.lastUpdatedAtMilliseconds = -1 }),
        ]
    }

    static let zeroWatch = WatchRequest(scope: .everything, credit: 0)
    static var watch: Probes<WatchRequest> {
        [("fromRevision", { $0.fromRevision = .max }), ("credit", { $0.credit = .max })]
    }

    /// An event of an execution, which has every field but details.
    static let zeroEvent = JobExecutionEvent(
        revision: 0, atMilliseconds: 0, actor: .device, jobId: JobId(), subject: change { _ in })
    static var event: Probes<JobExecutionEvent> {
        [
            ("actor", { $0.actor = .service }), ("fromStatus", { $0.subject = change { $0.from = .canceled } }),
            ("toStatus", { $0.subject = change { $0.to = .canceled } }), ("revision", { $0.revision = .max }),
            ("atMilliseconds", { $0.atMilliseconds = -1 }),
            ("executionNumber", { $0.subject = change { $0.executionNumber = -1 } }),
            ("versionNumber", { $0.subject = change { $0.versionNumber = -1 } }),
            ("retryAttempt", { $0.subject = change { $0.retryAttempt = .max } }),
            ("forceCanceled", { $0.subject = change { $0.forceCanceled = true } }),
        ]
    }

    static func change(_ change: (inout JobExecutionEventState) -> Void) -> JobExecutionEvent.Subject {
        var state = JobExecutionEventState(
            thingName: ThingName(), executionNumber: 0, versionNumber: 0, retryAttempt: 0, from: .queued, to: .queued,
            forceCanceled: false, statusDetails: StatusDetails())
        change(&state)
        return .execution(state)
    }

    /// One event of each row of SPEC §8.9's table; without fromStatus where that may be.
    static let kinds: [JobExecutionEvent.Subject] = [
        change { $0.from = nil },
        .executionDeleted(
            thingName: ThingName(), executionNumber: 0, versionNumber: 0, retryAttempt: 0, from: .queued),
        .job(from: nil, to: .inProgress), .jobDeleted(from: .inProgress),
    ]

    static let executionFields = [
        "status", "forceCanceled", "retryAttempt", "executionNumber", "versionNumber", "queuedAtMilliseconds",
        "startedAtMilliseconds", "lastUpdatedAtMilliseconds", "approximateSecondsBeforeTimedOut",
    ]

    /// A JobExecution's body with that field set.
    static func execution(_ field: String?) -> [UInt8] {
        var record = ExecutionRecord(executionNumber: 0, queuedAtMilliseconds: 0)
        record.versionNumber = 0
        switch field {
        case "status": record.status = .canceled
        case "forceCanceled": record.forceCanceled = true
        case "retryAttempt": record.retryAttempt = .max
        case "executionNumber": record.executionNumber = -1
        case "versionNumber": record.versionNumber = -1
        case "queuedAtMilliseconds": record.queuedAtMilliseconds = -1
        case "startedAtMilliseconds": record.startedAtMilliseconds = -1
        case "lastUpdatedAtMilliseconds": record.lastUpdatedAtMilliseconds = -1
        default: break
        }
        var writer = ByteWriter()
        JobExecutionBody.write(
            jobId: JobId(), thingName: ThingName(), record: record,
            approximateSecondsBeforeTimedOut: field == "approximateSecondsBeforeTimedOut" ? .max : nil,
            jobDocument: nil, to: &writer)
        return writer.bytes
    }
}
