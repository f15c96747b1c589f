internal import ErrandCore
internal import ErrandWire
public import Logging

/// How a server serves. All limits are announced to clients in WELCOME (SPEC §12).
public struct ServerConfiguration: Sendable {
    /// Host name or number to listen on.
    public var host = "127.0.0.1"
    /// 0 takes a free one; `JobExecutionServer.port` says which.
    public var port: UInt16 = 5740
    /// Where everything is kept on disk: a directory, made if it is not there, for one server at a time. Nothing keeps it
    /// in memory, and the end of the process forgets it.
    public var dataDirectory: String?
    /// How long executions stay in memory that have finished; from then on they are read from the data directory when
    /// somebody asks for them.
    public var finishedRetentionMilliseconds: Int64 = 3_600_000
    /// What a minute of the timers lasts, in milliseconds; shorten it for tests only.
    public var minuteLengthMilliseconds: Int64 = 60_000
    /// What stands before `:thing/` in every `thingArn`.
    public var thingArnPrefix = "arn:errand:iot:local:000000000000"
    /// Event loops; nothing takes one for each core.
    public var loopCount: Int?
    /// Whether clients may ask for zlib.
    public var allowsCompression = true
    /// Whether every segment carries a checksum, also where the client does not ask.
    public var requiresChecksums = false
    /// Connections above this are told so and closed.
    public var connectionCountMax = 65_536
    /// Calls that one connection may have unanswered.
    public var callsInFlightMax = WireLimits.callsInFlightMax
    /// How many events are kept for watches that are begun again (SPEC §9.23); each takes about 300 bytes.
    public var watchHistoryEventCount = ServerLimits.watchHistoryEventCount
    public var logger: Logger

    public init() {
        logger = Logger(label: "errand.server", factory: { _ in SwiftLogNoOpLogHandler() })
    }
}

/// Why a server did not start.
public struct ServerStartError: Error, Sendable, CustomStringConvertible {
    /// One line that says what to do.
    public let description: String
}
