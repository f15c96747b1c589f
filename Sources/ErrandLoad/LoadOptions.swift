/// What a load does to a server.
package struct LoadOptions: Sendable {
    package enum Operation: String, CaseIterable, Sendable {
        case describe
        case update
        /// One update in ten calls, the others describe.
        case mixed
    }

    package enum Layer: String, CaseIterable, Sendable {
        /// The lowest layer of the client: one loop, no tasks, so that the server is what is measured.
        case wire
        /// The public async API: a client for each connection, a task for each call in flight.
        case client
    }

    package var host: String
    package var port: UInt16
    package var layer = Layer.wire
    package var connectionCount = 64
    /// More connections that are greeted and then send nothing.
    package var idleConnectionCount = 0
    /// Unanswered calls on each connection; in an open loop, the most.
    package var inFlight = 16
    /// Calls are begun at this rate, whether or not earlier ones were answered: an open loop. Nothing makes a closed one.
    package var callsPerSecond: Int?
    package var operation = Operation.describe
    package var warmUp: Duration = .seconds(1)
    package var duration: Duration = .seconds(5)
    /// Distinct executions.
    package var thingCount = 100_000
    /// Asks for zlib.
    package var compression = false
    /// In the layer `client`, whether its tasks run on the client's own executor.
    package var usesClientExecutor = true
    /// For all connections together, and for a reply.
    package var timeoutMilliseconds: Int64 = 10_000

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }
}
