internal import ErrandClient

/// What a load has measured.
package struct LoadReport: Sendable {
    package var callCount: Int
    package var seconds: Double
    /// Latencies of the measured calls. In an open loop from the moment a call was due, not from when it could be sent.
    package var percentiles: [(percent: Double, microseconds: Double)]
    package var p50Microseconds: Double
    package var p99Microseconds: Double
    /// Of one call, headers included, as on the wire; 0 in the layer `client`, which does not count them.
    package var requestByteCount: Int
    package var replyByteCount: Int
    /// All calls of the load, the warm-up included, by its own count and by the server's. They differ when the server
    /// miscounts, or when somebody else called it meanwhile.
    package var answeredCallCount: Int
    package var serverCallCount: Int

    package var callsPerSecond: Double { Double(callCount) / seconds }

    package static let percents: [Double] = [0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.99, 100]

    init(
        _ before: LoadSnapshot, _ after: LoadSnapshot, seconds: Double, answeredCallCount: Int, serverCallCount: Int
    ) {
        callCount = after.callCount
        self.seconds = seconds
        percentiles = Self.percents.map { ($0, after.histogram.microseconds(at: $0 / 100)) }
        p50Microseconds = after.histogram.microseconds(at: 0.5)
        p99Microseconds = after.histogram.microseconds(at: 0.99)
        requestByteCount = Int(after.sentByteCount - before.sentByteCount) / after.callCount
        replyByteCount = Int(after.receivedByteCount - before.receivedByteCount) / after.callCount
        self.answeredCallCount = answeredCallCount
        self.serverCallCount = serverCallCount
    }
}

/// A load's counters at one moment.
struct LoadSnapshot: Sendable {
    /// Since the measurement began.
    var callCount = 0
    var wrongCount = 0
    var sentByteCount: UInt64 = 0
    var receivedByteCount: UInt64 = 0
    var histogram = LatencyHistogram()
    /// Since the load began.
    var answeredCallCount = 0
    var failure: ErrandError?
}

/// Hears of a run while it goes on.
package struct LoadObserver: Sendable {
    /// Ten times a second: calls answered since the load began.
    package var progressed: @Sendable (_ answeredCallCount: Int) -> Void = { _ in }
    /// The warm-up is over, the measurement begins.
    package var measuring: @Sendable () throws -> Void = {}

    package init() {}
}
