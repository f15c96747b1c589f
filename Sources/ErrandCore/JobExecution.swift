/// One job on one thing: the `JobExecution` of AWS IoT Jobs (SPEC §8.1).
///
/// All times are milliseconds since 1970-01-01 UTC. A value that is as cheap to hand on as a reference: its 330 bytes stand
/// in an object that copies share until one of them is changed.
public struct JobExecution: Sendable, Equatable {
    private struct Fields: Sendable, Equatable {
        var jobId: JobId
        var thingName: ThingName
        var executionNumber: Int64
        var status: JobExecutionStatus
        var forceCanceled: Bool
        var statusDetails: StatusDetails
        var queuedAtMilliseconds: Int64
        var startedAtMilliseconds: Int64?
        var lastUpdatedAtMilliseconds: Int64
        var versionNumber: Int64
        var approximateSecondsBeforeTimedOut: UInt32?
        var retryAttempt: UInt16
        var jobDocument: String?
        var thingArnPrefix: String
    }

    /// `@unchecked Sendable`: written only through `owned`, which hands out an object that nobody else has.
    private final class Box: @unchecked Sendable {
        var fields: Fields

        init(_ fields: Fields) { self.fields = fields }
    }

    private var box: Box

    /// What only this value holds: copied first if another one holds it as well.
    private var owned: Box {
        mutating get {
            if !isKnownUniquelyReferenced(&box) { box = Box(box.fields) }
            return box
        }
    }

    public var jobId: JobId {
        get { box.fields.jobId }
        set { owned.fields.jobId = newValue }
    }
    public var thingName: ThingName {
        get { box.fields.thingName }
        set { owned.fields.thingName = newValue }
    }
    /// Which attempt of the job on this thing; the first is 1.
    public var executionNumber: Int64 {
        get { box.fields.executionNumber }
        set { owned.fields.executionNumber = newValue }
    }
    public var status: JobExecutionStatus {
        get { box.fields.status }
        set { owned.fields.status = newValue }
    }
    /// Whether the cancel that ended it was forced.
    public var forceCanceled: Bool {
        get { box.fields.forceCanceled }
        set { owned.fields.forceCanceled = newValue }
    }
    public var statusDetails: StatusDetails {
        get { box.fields.statusDetails }
        set { owned.fields.statusDetails = newValue }
    }
    public var queuedAtMilliseconds: Int64 {
        get { box.fields.queuedAtMilliseconds }
        set { owned.fields.queuedAtMilliseconds = newValue }
    }
    /// Absent until the execution first became IN_PROGRESS.
    public var startedAtMilliseconds: Int64? {
        get { box.fields.startedAtMilliseconds }
        set { owned.fields.startedAtMilliseconds = newValue }
    }
    public var lastUpdatedAtMilliseconds: Int64 {
        get { box.fields.lastUpdatedAtMilliseconds }
        set { owned.fields.lastUpdatedAtMilliseconds = newValue }
    }
    /// Starts at 1 and rises by 1 with every stored change.
    public var versionNumber: Int64 {
        get { box.fields.versionNumber }
        set { owned.fields.versionNumber = newValue }
    }
    /// Present only while a timer runs; rounded up.
    public var approximateSecondsBeforeTimedOut: UInt32? {
        get { box.fields.approximateSecondsBeforeTimedOut }
        set { owned.fields.approximateSecondsBeforeTimedOut = newValue }
    }
    /// 0 for the first attempt.
    public var retryAttempt: UInt16 {
        get { box.fields.retryAttempt }
        set { owned.fields.retryAttempt = newValue }
    }
    /// The job's document, where the call asked for it.
    public var jobDocument: String? {
        get { box.fields.jobDocument }
        set { owned.fields.jobDocument = newValue }
    }
    /// What stands before `:thing/` in `thingArn`; the server says it when a client connects.
    public var thingArnPrefix: String {
        get { box.fields.thingArnPrefix }
        set { owned.fields.thingArnPrefix = newValue }
    }

    /// `<prefix>:thing/<name>`.
    public var thingArn: String { "\(thingArnPrefix):thing/\(thingName)" }

    public static func == (left: Self, right: Self) -> Bool {
        left.box === right.box || left.box.fields == right.box.fields
    }

    package init(
        jobId: JobId, thingName: ThingName, executionNumber: Int64, status: JobExecutionStatus, forceCanceled: Bool,
        statusDetails: StatusDetails, queuedAtMilliseconds: Int64, startedAtMilliseconds: Int64?,
        lastUpdatedAtMilliseconds: Int64, versionNumber: Int64, approximateSecondsBeforeTimedOut: UInt32?,
        retryAttempt: UInt16, jobDocument: String? = nil, thingArnPrefix: String = ""
    ) {
        box = Box(
            Fields(
                jobId: jobId, thingName: thingName, executionNumber: executionNumber, status: status,
                forceCanceled: forceCanceled, statusDetails: statusDetails, queuedAtMilliseconds: queuedAtMilliseconds,
                startedAtMilliseconds: startedAtMilliseconds, lastUpdatedAtMilliseconds: lastUpdatedAtMilliseconds,
                versionNumber: versionNumber, approximateSecondsBeforeTimedOut: approximateSecondsBeforeTimedOut,
                retryAttempt: retryAttempt, jobDocument: jobDocument, thingArnPrefix: thingArnPrefix))
    }
}

/// A job execution in a list (SPEC §8.2).
public struct JobExecutionSummary: Sendable, Equatable {
    public var jobId: JobId
    public var thingName: ThingName
    public var executionNumber: Int64
    public var status: JobExecutionStatus
    public var forceCanceled: Bool
    public var queuedAtMilliseconds: Int64
    public var startedAtMilliseconds: Int64?
    public var lastUpdatedAtMilliseconds: Int64
    public var versionNumber: Int64
    public var retryAttempt: UInt16

    package init(
        jobId: JobId, thingName: ThingName, executionNumber: Int64, status: JobExecutionStatus, forceCanceled: Bool,
        queuedAtMilliseconds: Int64, startedAtMilliseconds: Int64?, lastUpdatedAtMilliseconds: Int64,
        versionNumber: Int64, retryAttempt: UInt16
    ) {
        self.jobId = jobId
        self.thingName = thingName
        self.executionNumber = executionNumber
        self.status = status
        self.forceCanceled = forceCanceled
        self.queuedAtMilliseconds = queuedAtMilliseconds
        self.startedAtMilliseconds = startedAtMilliseconds
        self.lastUpdatedAtMilliseconds = lastUpdatedAtMilliseconds
        self.versionNumber = versionNumber
        self.retryAttempt = retryAttempt
    }
}

/// The state that a conflict carries, so that nobody has to describe again (SPEC §8.3).
public struct JobExecutionState: Sendable, Equatable {
    public var status: JobExecutionStatus
    public var versionNumber: Int64
    public var executionNumber: Int64
    public var statusDetails: StatusDetails

    package init(
        status: JobExecutionStatus, versionNumber: Int64, executionNumber: Int64, statusDetails: StatusDetails
    ) {
        self.status = status
        self.versionNumber = versionNumber
        self.executionNumber = executionNumber
        self.statusDetails = statusDetails
    }
}

/// What an update or a cancel made of the execution (SPEC §8.5).
public struct JobExecutionChange: Sendable, Equatable {
    public var status: JobExecutionStatus
    public var versionNumber: Int64
    public var executionNumber: Int64
    public var lastUpdatedAtMilliseconds: Int64
    /// Present if the call asked for the execution state.
    public var statusDetails: StatusDetails?
    /// Present if the call asked for the document.
    public var jobDocument: String?

    package init(
        status: JobExecutionStatus, versionNumber: Int64, executionNumber: Int64, lastUpdatedAtMilliseconds: Int64,
        statusDetails: StatusDetails? = nil, jobDocument: String? = nil
    ) {
        self.status = status
        self.versionNumber = versionNumber
        self.executionNumber = executionNumber
        self.lastUpdatedAtMilliseconds = lastUpdatedAtMilliseconds
        self.statusDetails = statusDetails
        self.jobDocument = jobDocument
    }
}

/// One page of a list of executions (SPEC §9.12).
public struct JobExecutionPage: Sendable, Equatable {
    public var executions: [JobExecutionSummary]
    /// Present unless this page is the last.
    public var nextToken: [UInt8]?

    package init(executions: [JobExecutionSummary], nextToken: [UInt8]?) {
        self.executions = executions
        self.nextToken = nextToken
    }
}

/// The pending list of a thing, or a page of it (SPEC §9.11).
public struct PendingJobExecutions: Sendable, Equatable {
    public var inProgressJobs: [JobExecutionSummary]
    public var queuedJobs: [JobExecutionSummary]
    /// Of the whole list, not of this page.
    public var totalCount: UInt32
    public var nextToken: [UInt8]?

    package init(
        inProgressJobs: [JobExecutionSummary], queuedJobs: [JobExecutionSummary], totalCount: UInt32,
        nextToken: [UInt8]?
    ) {
        self.inProgressJobs = inProgressJobs
        self.queuedJobs = queuedJobs
        self.totalCount = totalCount
        self.nextToken = nextToken
    }
}
