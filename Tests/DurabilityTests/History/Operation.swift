import ErrandCore

/// One call on one execution, as a client saw it: what the checker gets to see and nothing else.
struct Operation: Sendable {
    enum Call: Sendable, Equatable {
        case describe
        case update(JobExecutionStatus, expectedVersion: Int64?)
        case cancel(force: Bool, expectedVersion: Int64?)
        case startNext

        var isChange: Bool { self != .describe }
    }

    enum Outcome: Sendable, Equatable {
        /// It may have happened, may happen yet, or never.
        case unknown
        /// The change is made, and made this version.
        case changed(version: Int64, JobExecutionStatus)
        /// What a read showed, or a start of what had been started already.
        case saw(Snapshot)
        /// Nothing is pending.
        case sawNothing
        /// Refused, which shows a state too where the code carries one.
        case refused(StatusCode, Snapshot?)
        /// The server said that it did not happen, and nothing else.
        case notApplied
    }

    var client: Int
    /// Unique among all changes, and stored with them; 0 for a read.
    var marker: UInt64
    var call: Call
    /// In nanoseconds or in steps, as long as one clock gives all times of a history.
    var invokedAt: Int64
    var returnedAt = Int64.max
    var outcome = Outcome.unknown
}

/// An execution as somebody saw it.
struct Snapshot: Sendable, Hashable {
    var version: Int64
    var status: JobExecutionStatus
    /// Of the change that made it so; nothing before the first one.
    var marker: UInt64?

    static let detailsKey = "m"

    init(version: Int64, status: JobExecutionStatus, marker: UInt64?) {
        self.version = version
        self.status = status
        self.marker = marker
    }

    init(version: Int64, status: JobExecutionStatus, details: StatusDetails) {
        self.init(version: version, status: status, marker: details[Self.detailsKey].flatMap { UInt64($0) })
    }

    init(_ state: JobExecutionState) {
        self.init(version: state.versionNumber, status: state.status, details: state.statusDetails)
    }

    static func details(_ marker: UInt64) throws -> StatusDetails {
        try StatusDetails([(key: detailsKey, value: "\(marker)")])
    }
}

/// An event of a watch of everything, when it came.
struct SeenEvent: Sendable {
    var revision: UInt64
    /// Which execution; nothing for a job's own event.
    var execution: String?
    var snapshot: Snapshot?
    var seenAt: Int64

    init(_ event: JobExecutionEvent, at time: Int64) {
        revision = event.revision
        seenAt = time
        guard case .execution(let state) = event.subject else { return }
        execution = "\(event.jobId)/\(state.thingName)"
        snapshot = Snapshot(version: state.versionNumber, status: state.to, details: state.statusDetails)
    }
}

/// All that was done to one execution, and what is left of it in the end.
struct ExecutionHistory: Sendable {
    var name: String
    var operations: [Operation] = []
    /// What watches showed of it, in the order in which it came.
    var events: [SeenEvent] = []
    /// As the server describes it after everything.
    var final: Snapshot
    /// What its history still holds.
    var kept: [Snapshot] = []
}
