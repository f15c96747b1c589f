/// An operator asks for one execution in any state (SPEC §9.6).
public struct DescribeJobExecutionRequest: Sendable, Equatable {
    public var jobId: JobId
    public var thingName: ThingName
    /// The latest attempt if absent.
    public var executionNumber: Int64?

    public init(jobId: JobId, thingName: ThingName, executionNumber: Int64? = nil) {
        self.jobId = jobId
        self.thingName = thingName
        self.executionNumber = executionNumber
    }
}

/// A device asks for its own execution (SPEC §9.7).
public struct DescribeOwnJobExecutionRequest: Sendable, Equatable {
    /// Nothing asks for `$next`, the head of the thing's pending list.
    public var jobId: JobId?
    public var thingName: ThingName
    public var executionNumber: Int64?
    public var includeJobDocument: Bool

    public init(jobId: JobId?, thingName: ThingName, executionNumber: Int64? = nil, includeJobDocument: Bool = true) {
        self.jobId = jobId
        self.thingName = thingName
        self.executionNumber = executionNumber
        self.includeJobDocument = includeJobDocument
    }
}
