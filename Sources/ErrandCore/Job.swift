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
    public var inProgressTimeoutInMinutes: Int64?
    /// Distinct things; the sum of `processDetails` and `notYetQueuedCount`.
    public var targetCount: UInt32
    public var notYetQueuedCount: UInt32
    public var processDetails: JobProcessDetails

    package init(
        jobId: JobId, description: String?, status: JobStatus, createdAtMilliseconds: Int64,
        lastUpdatedAtMilliseconds: Int64, completedAtMilliseconds: Int64?, inProgressTimeoutInMinutes: Int64?,
        targetCount: UInt32, notYetQueuedCount: UInt32, processDetails: JobProcessDetails
    ) {
        self.jobId = jobId
        self.description = description
        self.status = status
        self.createdAtMilliseconds = createdAtMilliseconds
        self.lastUpdatedAtMilliseconds = lastUpdatedAtMilliseconds
        self.completedAtMilliseconds = completedAtMilliseconds
        self.inProgressTimeoutInMinutes = inProgressTimeoutInMinutes
        self.targetCount = targetCount
        self.notYetQueuedCount = notYetQueuedCount
        self.processDetails = processDetails
    }
}

/// How many things of a job have each status, by their latest attempt.
public struct JobProcessDetails: Sendable, Equatable {
    private var counts: InlineArray<9, UInt32> = .init(repeating: 0)

    package init() {}

    public subscript(status: JobExecutionStatus) -> UInt32 {
        get { counts[Int(status.rawValue)] }
        set { counts[Int(status.rawValue)] = newValue }
    }

    /// Things that have an execution.
    public var total: UInt32 { JobExecutionStatus.allCases.reduce(0) { $0 &+ self[$1] } }

    /// Things whose execution can still change.
    public var openCount: UInt32 { self[.queued] &+ self[.inProgress] }

    public static func == (left: Self, right: Self) -> Bool {
        JobExecutionStatus.allCases.allSatisfy { left[$0] == right[$0] }
    }
}
