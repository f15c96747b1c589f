/// A device takes the head of its pending list (SPEC §9.10).
public struct StartNextPendingJobExecutionRequest: Sendable, Equatable {
    public var thingName: ThingName
    /// Applied only if the call really starts a QUEUED execution.
    public var statusDetails: StatusDetails?
    /// 1 to 10,080 minutes; applied only if the call really starts a QUEUED execution.
    public var stepTimeoutInMinutes: Int64?
    /// Sending it again with the same key gives the execution that it started, also when that has ended.
    public var idempotencyKey: IdempotencyKey?

    public init(
        thingName: ThingName, statusDetails: StatusDetails? = nil, stepTimeoutInMinutes: Int64? = nil,
        idempotencyKey: IdempotencyKey? = nil
    ) {
        self.thingName = thingName
        self.statusDetails = statusDetails
        self.stepTimeoutInMinutes = stepTimeoutInMinutes
        self.idempotencyKey = idempotencyKey
    }
}

/// What a thing has to do (SPEC §9.11).
public struct GetPendingJobExecutionsRequest: Sendable, Equatable {
    public var thingName: ThingName
    /// 1 to 250; 10 if absent.
    public var maxResults: UInt32?
    public var nextToken: [UInt8]?

    public init(thingName: ThingName, maxResults: UInt32? = nil, nextToken: [UInt8]? = nil) {
        self.thingName = thingName
        self.maxResults = maxResults
        self.nextToken = nextToken
    }
}
