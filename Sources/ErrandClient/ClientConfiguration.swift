/// How a client behaves. All durations are finite by default.
public struct ClientConfiguration: Sendable {
    /// Whether to ask the server for zlib.
    public enum Compression: Sendable, Hashable {
        /// Unless the server is on this machine.
        case automatic
        case on
        case off
    }

    /// The deadline of a call that is given none.
    public var callTimeout: Duration = .seconds(10)
    /// How long `connect` may take, the handshake included.
    public var connectTimeout: Duration = .seconds(5)
    /// Connections to the server. Calls of one thing always take the same one, so that they stay in order; batch calls take
    /// the first, so with more than one they are not in order with single calls of the same thing.
    public var connectionCount = 1
    public var compression = Compression.automatic
    /// Ask for a checksum on every segment; TCP's own is weak on long links.
    public var checksums = false
    /// The first delay before a new attempt to connect; it doubles up to `reconnectDelayMax`, each time a random part of it.
    public var reconnectDelay: Duration = .milliseconds(50)
    public var reconnectDelayMax: Duration = .seconds(10)
    /// After this long without a byte from the server it is asked whether it is there.
    public var keepaliveInterval: Duration = .seconds(30)
    /// Without an answer for this long the connection is given up.
    public var keepaliveTimeout: Duration = .seconds(20)
    /// Calls that may wait for a connection or for room in the window; more fail at once with RESOURCE_EXHAUSTED.
    public var waitingCallCountMax = 100_000
    /// Gives every change that has none an idempotency key, so that it can be sent again after a lost connection and changes
    /// nothing twice. Without, such a change fails with `applied: .unknown`, unless its request has a key (SPEC §6).
    public var usesIdempotencyKeys = true
    /// Sent in HELLO; of a longer one the first 60 bytes.
    public var clientName = "errand-swift"

    public init() {}
}

extension Duration {
    /// Whole milliseconds, at least 1, and so few that a moment of the clock can be added.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        let longest = Int64.max / 4
        let (whole, isTooLong) = seconds.multipliedReportingOverflow(by: 1000)
        let (sum, overflows) = whole.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
        guard !isTooLong, !overflows else { return seconds < 0 ? 1 : longest }
        return min(max(1, sum), longest)
    }
}
