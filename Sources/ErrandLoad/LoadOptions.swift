/// What a load does to a server.
package struct LoadOptions: Sendable {
    package enum Operation: String, CaseIterable, Sendable {
        case describe
        case update
        /// One update in ten calls, the others describe.
        case mixed
    }

    package var host: String
    package var port: UInt16
    package var connectionCount = 64
    /// Unanswered calls on each connection.
    package var inFlight = 16
    package var operation = Operation.describe
    package var warmUp: Duration = .seconds(1)
    package var duration: Duration = .seconds(5)
    /// Distinct executions.
    package var thingCount = 100_000
    /// Asks for zlib.
    package var compression = false
    /// For all connections together, and for a reply.
    package var timeoutMilliseconds: Int64 = 10_000

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }
}

/// What a load has measured.
package struct LoadReport: Sendable {
    package var callCount: Int
    package var seconds: Double
    package var p50Microseconds: Double
    package var p99Microseconds: Double
    /// Of one call, headers included, as on the wire.
    package var requestByteCount: Int
    package var replyByteCount: Int

    package var callsPerSecond: Double { Double(callCount) / seconds }
}
