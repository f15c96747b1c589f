/// Whether a server takes calls (SPEC §9.1).
public enum Health: UInt8, Sendable, Hashable {
    case serving = 1
    /// It answers what it has and takes nothing new.
    case draining = 2
}

/// What a server says of itself (SPEC §9.2).
public struct ServerInfo: Sendable, Equatable {
    public var serverName: String
    public var serverVersion: String
    public var thingArnPrefix: String
    /// What a minute of a timer lasts; 60,000 outside of tests.
    public var minuteLengthMilliseconds: UInt32
    /// Changes with every start of the server.
    public var bootId: UInt64
    public var startedAtMilliseconds: Int64
    public var nowMilliseconds: Int64
    public var jobCount: UInt64
    public var executionCount: UInt64
    /// Calls answered since the start.
    public var callCount: UInt64
    public var connectionCount: UInt64

    package init(
        serverName: String, serverVersion: String, thingArnPrefix: String, minuteLengthMilliseconds: UInt32,
        bootId: UInt64, startedAtMilliseconds: Int64, nowMilliseconds: Int64, jobCount: UInt64,
        executionCount: UInt64, callCount: UInt64, connectionCount: UInt64
    ) {
        self.serverName = serverName
        self.serverVersion = serverVersion
        self.thingArnPrefix = thingArnPrefix
        self.minuteLengthMilliseconds = minuteLengthMilliseconds
        self.bootId = bootId
        self.startedAtMilliseconds = startedAtMilliseconds
        self.nowMilliseconds = nowMilliseconds
        self.jobCount = jobCount
        self.executionCount = executionCount
        self.callCount = callCount
        self.connectionCount = connectionCount
    }
}
