/// A page of a job's executions, every attempt, in the order queued (SPEC §9.12).
public struct ListJobExecutionsForJobRequest: Sendable, Equatable {
    public var jobId: JobId
    /// Only executions with this status.
    public var status: JobExecutionStatus?
    /// 1 to 250; 250 if absent.
    public var maxResults: UInt32?
    public var nextToken: [UInt8]?

    public init(
        jobId: JobId, status: JobExecutionStatus? = nil, maxResults: UInt32? = nil, nextToken: [UInt8]? = nil
    ) {
        self.jobId = jobId
        self.status = status
        self.maxResults = maxResults
        self.nextToken = nextToken
    }
}

/// A page of a thing's executions, the newest attempt first (SPEC §9.13).
public struct ListJobExecutionsForThingRequest: Sendable, Equatable {
    public var thingName: ThingName
    /// Only executions with this status.
    public var status: JobExecutionStatus?
    /// 1 to 250; 250 if absent.
    public var maxResults: UInt32?
    public var nextToken: [UInt8]?

    public init(
        thingName: ThingName, status: JobExecutionStatus? = nil, maxResults: UInt32? = nil, nextToken: [UInt8]? = nil
    ) {
        self.thingName = thingName
        self.status = status
        self.maxResults = maxResults
        self.nextToken = nextToken
    }
}
