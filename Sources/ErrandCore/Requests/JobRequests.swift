/// Creates a job, or stages it when it has more targets than one call carries (SPEC §9.3).
public struct CreateJobRequest: Sendable, Equatable {
    public var jobId: JobId
    /// JSON text, 1 to 32,768 bytes.
    public var document: String
    public var description: String?
    public var configuration: JobConfiguration
    /// Of the whole job.
    public var targetCount: UInt32
    /// The first of them, or all.
    public var targets: [ThingName]
    /// Servers know SNAPSHOT only, and answer UNIMPLEMENTED to the other.
    public var targetSelection = TargetSelection.snapshot

    public init(
        jobId: JobId, document: String, description: String? = nil, configuration: JobConfiguration,
        targetCount: UInt32, targets: [ThingName]
    ) {
        self.jobId = jobId
        self.document = document
        self.description = description
        self.configuration = configuration
        self.targetCount = targetCount
        self.targets = targets
    }

    public init(
        jobId: JobId, document: String, description: String? = nil, inProgressTimeoutInMinutes: Int64? = nil,
        targetCount: UInt32, targets: [ThingName]
    ) {
        self.init(
            jobId: jobId, document: document, description: description,
            configuration: JobConfiguration(inProgressTimeoutInMinutes: inProgressTimeoutInMinutes),
            targetCount: targetCount, targets: targets)
    }

    public var inProgressTimeoutInMinutes: Int64? {
        get { configuration.inProgressTimeoutInMinutes }
        set { configuration.inProgressTimeoutInMinutes = newValue }
    }
}

/// Further targets of a staged job (SPEC §9.4).
public struct AddJobTargetsRequest: Sendable, Equatable {
    public var jobId: JobId
    /// Position of the first of `targets` in the whole list.
    public var targetOffset: UInt32
    public var targets: [ThingName]

    public init(jobId: JobId, targetOffset: UInt32, targets: [ThingName]) {
        self.jobId = jobId
        self.targetOffset = targetOffset
        self.targets = targets
    }
}

/// How far a job's targets have come (SPEC §9.3).
public struct JobTargetsReceipt: Sendable, Equatable {
    public var targetsReceived: UInt32
    /// Whether the job exists now; before that it is staged and invisible.
    public var isComplete: Bool

    package init(targetsReceived: UInt32, isComplete: Bool) {
        self.targetsReceived = targetsReceived
        self.isComplete = isComplete
    }
}

/// Asks for a job and its counts (SPEC §9.5).
public struct DescribeJobRequest: Sendable, Equatable {
    public var jobId: JobId

    public init(jobId: JobId) {
        self.jobId = jobId
    }
}

/// Whether a job keeps following its targets (SPEC §9.3).
public enum TargetSelection: UInt8, Sendable, Hashable {
    case snapshot = 0
    case continuous = 1
}
