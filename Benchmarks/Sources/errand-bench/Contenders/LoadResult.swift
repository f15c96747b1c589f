/// What a load generator prints as its one line.
struct LoadResult: Codable, Sendable {
    var calls: Double
    let seconds: Double
    var callsPerSecond: Double
    let p50Microseconds: Double
    let p99Microseconds: Double
    /// Pairs of per cent and microseconds.
    var percentiles: [[Double]]?
    /// On the wire; 0 where a load does not know.
    let requestBytes: Int
    let replyBytes: Int
    let connections: Int
    let inFlight: Int
    /// All calls of the load by its own count, and by the server's.
    var allCalls: Double?
    var serverCalls: Double?
    /// The load generator's own CPU time while it measured.
    var cpuSeconds: Double?
    /// The server's CPU time for each call: row S13.
    var serverMicrosecondsPerCall: Double?
    /// What watches were told for each call, while the load ran.
    var eventsPerCall: Double?
    /// Row S12.
    var allocationsPerCall: Double?
    /// Rows S8 and S10: what a group of changes that are stored together is.
    var callsPerSync: Double?
    var writtenBytesPerCall: Double?
}
