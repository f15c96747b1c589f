/// The status of a job (SPEC §9.5).
public enum JobStatus: UInt8, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    case inProgress = 1
    case completed = 2
    case canceled = 3
    case deletionInProgress = 4

    public var description: String {
        switch self {
        case .inProgress: "IN_PROGRESS"
        case .completed: "COMPLETED"
        case .canceled: "CANCELED"
        case .deletionInProgress: "DELETION_IN_PROGRESS"
        }
    }
}

/// A job as DescribeJob shows it (SPEC §9.5).
public struct Job: Sendable, Equatable {
    public var jobId: JobId
    public var description: String?
    public var status: JobStatus
    public var createdAtMilliseconds: Int64
    public var lastUpdatedAtMilliseconds: Int64
    public var completedAtMilliseconds: Int64?
    public var configuration: JobConfiguration
    /// Why it was canceled, if somebody said so.
    public var reasonCode: String?
    public var comment: String?
    /// Whether a cancel with force ended its executions.
    public var forceCanceled: Bool
    /// Distinct things; the sum of `processDetails` and `notYetQueuedCount`.
    public var targetCount: UInt32
    public var notYetQueuedCount: UInt32
    public var processDetails: JobProcessDetails
    /// How many attempts there are in each status; with retries more than things.
    public var attemptDetails: JobProcessDetails

    package init(
        jobId: JobId, description: String?, status: JobStatus, createdAtMilliseconds: Int64,
        lastUpdatedAtMilliseconds: Int64, completedAtMilliseconds: Int64?, inProgressTimeoutInMinutes: Int64?,
        targetCount: UInt32, notYetQueuedCount: UInt32, processDetails: JobProcessDetails
    ) {
        self.init(
            jobId: jobId, description: description, status: status, createdAtMilliseconds: createdAtMilliseconds,
            lastUpdatedAtMilliseconds: lastUpdatedAtMilliseconds, completedAtMilliseconds: completedAtMilliseconds,
            configuration: JobConfiguration(inProgressTimeoutInMinutes: inProgressTimeoutInMinutes),
            targetCount: targetCount, notYetQueuedCount: notYetQueuedCount, processDetails: processDetails,
            attemptDetails: processDetails)
    }

    package init(
        jobId: JobId, description: String?, status: JobStatus, createdAtMilliseconds: Int64,
        lastUpdatedAtMilliseconds: Int64, completedAtMilliseconds: Int64?, configuration: JobConfiguration,
        reasonCode: String? = nil, comment: String? = nil, forceCanceled: Bool = false, targetCount: UInt32,
        notYetQueuedCount: UInt32, processDetails: JobProcessDetails, attemptDetails: JobProcessDetails
    ) {
        self.jobId = jobId
        self.description = description
        self.status = status
        self.createdAtMilliseconds = createdAtMilliseconds
        self.lastUpdatedAtMilliseconds = lastUpdatedAtMilliseconds
        self.completedAtMilliseconds = completedAtMilliseconds
        self.configuration = configuration
        self.reasonCode = reasonCode
        self.comment = comment
        self.forceCanceled = forceCanceled
        self.targetCount = targetCount
        self.notYetQueuedCount = notYetQueuedCount
        self.processDetails = processDetails
        self.attemptDetails = attemptDetails
    }

    public var inProgressTimeoutInMinutes: Int64? {
        get { configuration.inProgressTimeoutInMinutes }
        set { configuration.inProgressTimeoutInMinutes = newValue }
    }
}

/// How many of a job have each status: things by their latest attempt, or attempts.
public struct JobProcessDetails: Sendable, Equatable {
    private var counts: InlineArray<9, UInt32> = .init(repeating: 0)

    package init() {}

    public subscript(status: JobExecutionStatus) -> UInt32 {
        get { counts[Int(status.rawValue)] }
        set { counts[Int(status.rawValue)] = newValue }
    }

    /// The sum over all statuses.
    public var total: UInt32 { JobExecutionStatus.allCases.reduce(0) { $0 &+ self[$1] } }

    /// Those that can still change.
    public var openCount: UInt32 { self[.queued] &+ self[.inProgress] }

    /// Those that have ended.
    public var finishedCount: UInt32 { total &- openCount }

    /// Those that ended as `type` says.
    package func count(of type: FailureType) -> UInt32 {
        JobExecutionStatus.allCases.reduce(0) { type.covers($1) ? $0 &+ self[$1] : $0 }
    }

    public static func == (left: Self, right: Self) -> Bool {
        JobExecutionStatus.allCases.allSatisfy { left[$0] == right[$0] }
    }
}
