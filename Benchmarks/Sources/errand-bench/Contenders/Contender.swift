/// A server and its load generator, started, measured and stopped as one.
protocol Contender: Sendable {
    var name: String { get }
    func measure(_ shape: LoadShape, with bench: Bench) throws -> LoadResult
}

struct LoadShape: Sendable {
    let connections: Int
    /// Unanswered calls on each connection.
    let inFlight: Int
    /// What one describe costs on the wire: a name, a job id, headers; all fields and three details of real size.
    var requestByteCount = 72
    var replyByteCount = 222

    /// The arguments that every load generator of this package takes.
    func arguments(port: Int, timing: Timing) -> [String] {
        [
            "--port", "\(port)", "--connections", "\(connections)", "--in-flight", "\(inFlight)",
            "--request-bytes", "\(requestByteCount)", "--reply-bytes", "\(replyByteCount)",
            "--seconds", "\(timing.measuredSeconds)", "--warm-up", "\(timing.warmupSeconds)",
        ]
    }
}

/// What a load generator prints as its one line.
struct LoadResult: Codable, Sendable {
    let calls: Double
    let seconds: Double
    let callsPerSecond: Double
    let p50Microseconds: Double
    let p99Microseconds: Double
    let requestBytes: Int
    let replyBytes: Int
    let connections: Int
    let inFlight: Int
    /// The load generator's own CPU time while it measured.
    let cpuSeconds: Double?
    /// The server's CPU time for each call, over all it answered: row S13.
    var serverMicrosecondsPerCall: Double?
}
