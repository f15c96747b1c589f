/// Cancels a job: QUEUED executions become CANCELED, and with `force` the IN_PROGRESS ones too (SPEC §9.15).
public struct CancelJobRequest: Sendable, Equatable {
    public var jobId: JobId
    public var force: Bool
    /// Up to 128 of `[A-Z0-9_]`.
    public var reasonCode: String?
    /// Up to 2,028 characters.
    public var comment: String?
    public var idempotencyKey: IdempotencyKey?

    public init(
        jobId: JobId, force: Bool = false, reasonCode: String? = nil, comment: String? = nil,
        idempotencyKey: IdempotencyKey? = nil
    ) {
        self.jobId = jobId
        self.force = force
        self.reasonCode = reasonCode
        self.comment = comment
        self.idempotencyKey = idempotencyKey
    }
}

/// Deletes a job and all its executions; one that is not finished only with `force` (SPEC §9.16).
public struct DeleteJobRequest: Sendable, Equatable {
    public var jobId: JobId
    public var force: Bool
    public var idempotencyKey: IdempotencyKey?

    public init(jobId: JobId, force: Bool = false, idempotencyKey: IdempotencyKey? = nil) {
        self.jobId = jobId
        self.force = force
        self.idempotencyKey = idempotencyKey
    }
}

/// Changes what may be changed after creation; absent parts stay (SPEC §9.17).
public struct UpdateJobRequest: Sendable, Equatable {
    public var jobId: JobId
    public var description: String?
    /// For executions that become IN_PROGRESS afterwards.
    public var inProgressTimeoutInMinutes: Int64?
    public var rollout: RolloutConfig?
    /// Replaces them all.
    public var abortCriteria: [AbortCriterion]?
    /// No execution is retried any more.
    public var endsRetries: Bool
    public var idempotencyKey: IdempotencyKey?

    public init(
        jobId: JobId, description: String? = nil, inProgressTimeoutInMinutes: Int64? = nil,
        rollout: RolloutConfig? = nil, abortCriteria: [AbortCriterion]? = nil, endsRetries: Bool = false,
        idempotencyKey: IdempotencyKey? = nil
    ) {
        self.jobId = jobId
        self.description = description
        self.inProgressTimeoutInMinutes = inProgressTimeoutInMinutes
        self.rollout = rollout
        self.abortCriteria = abortCriteria
        self.endsRetries = endsRetries
        self.idempotencyKey = idempotencyKey
    }
}

/// A page of the jobs, in the order created (SPEC §9.18).
public struct ListJobsRequest: Sendable, Equatable {
    public var status: JobStatus?
    /// 1 to 250; 250 if absent.
    public var maxResults: UInt32?
    public var nextToken: [UInt8]?

    public init(status: JobStatus? = nil, maxResults: UInt32? = nil, nextToken: [UInt8]? = nil) {
        self.status = status
        self.maxResults = maxResults
        self.nextToken = nextToken
    }
}

/// Asks for a job's document (SPEC §9.19).
public struct GetJobDocumentRequest: Sendable, Equatable {
    public var jobId: JobId

    public init(jobId: JobId) {
        self.jobId = jobId
    }
}

/// Takes things out of a job: their open executions become REMOVED and no retry follows (SPEC §9.20).
public struct RemoveJobTargetsRequest: Sendable, Equatable {
    public var jobId: JobId
    public var targets: [ThingName]
    public var idempotencyKey: IdempotencyKey?

    public init(jobId: JobId, targets: [ThingName], idempotencyKey: IdempotencyKey? = nil) {
        self.jobId = jobId
        self.targets = targets
        self.idempotencyKey = idempotencyKey
    }
}

/// Deletes one attempt; one that is IN_PROGRESS only with `force` (SPEC §9.21).
public struct DeleteJobExecutionRequest: Sendable, Equatable {
    public var jobId: JobId
    public var thingName: ThingName
    public var executionNumber: Int64
    public var force: Bool
    public var idempotencyKey: IdempotencyKey?

    public init(
        jobId: JobId, thingName: ThingName, executionNumber: Int64, force: Bool = false,
        idempotencyKey: IdempotencyKey? = nil
    ) {
        self.jobId = jobId
        self.thingName = thingName
        self.executionNumber = executionNumber
        self.force = force
        self.idempotencyKey = idempotencyKey
    }
}

/// A page of what happened to one execution, the oldest first (SPEC §9.22).
public struct GetJobExecutionHistoryRequest: Sendable, Equatable {
    public var jobId: JobId
    public var thingName: ThingName
    /// The latest attempt if absent.
    public var executionNumber: Int64?
    public var maxResults: UInt32?
    public var nextToken: [UInt8]?

    public init(
        jobId: JobId, thingName: ThingName, executionNumber: Int64? = nil, maxResults: UInt32? = nil,
        nextToken: [UInt8]? = nil
    ) {
        self.jobId = jobId
        self.thingName = thingName
        self.executionNumber = executionNumber
        self.maxResults = maxResults
        self.nextToken = nextToken
    }
}
