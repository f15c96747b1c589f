/// A server and its load generator, started, measured and stopped as one.
protocol Contender: Sendable {
    var name: String { get }
    func measure(_ shape: LoadShape, with bench: Bench) throws -> LoadResult
}

struct LoadShape: Sendable {
    var connections: Int
    /// Unanswered calls on each connection.
    var inFlight: Int
    /// What one describe costs on the wire: a name, a job id, headers; all fields and three details of real size.
    var requestByteCount = 72
    var replyByteCount = 222

    /// The arguments that every load generator of this package takes.
    func arguments(port: Int, timing: Timing) -> [String] {
        [
            "--port", "\(port)", "--connections", "\(connections)", "--in-flight", "\(inFlight)", "--seconds",
            "\(timing.measuredSeconds)", "--warm-up", "\(timing.warmupSeconds)",
        ]
    }

    var byteArguments: [String] {
        ["--request-bytes", "\(requestByteCount)", "--reply-bytes", "\(replyByteCount)"]
    }
}
