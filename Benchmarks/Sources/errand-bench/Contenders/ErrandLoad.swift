/// The load on an Errand server: calls on distinct executions, random keys, each reply checked. A program of its
/// own, as `floor-load` is, so that its memory and threads are not mixed with this program's.
struct ErrandLoad: Sendable {
    enum Operation: String { case describe, update }

    var operation = Operation.describe
    /// Through the public async API instead of the client's lowest layer.
    var usesClient = false
    var usesDefaultExecutor = false
    var compresses = false
    /// An open loop at this rate.
    var callsPerSecond: Int?
    var thingCount = 100_000
    var idleConnectionCount = 0

    /// How far the bytes of a call may be from what the floor moves.
    private static let byteTolerance = 0.05

    func start(_ shape: LoadShape, port: Int, with bench: Bench) throws -> RunningErrandLoad {
        var arguments = [
            "bench", "--server", "127.0.0.1:\(port)", "--connections", "\(shape.connections)", "--in-flight",
            "\(shape.inFlight)", "--seconds", "\(bench.timing.measuredSeconds)", "--warm-up",
            "\(bench.timing.warmupSeconds)", "--things", "\(thingCount)", "--timeout", "30s", "--announce", "--json",
        ]
        if operation != .describe { arguments += ["--operation", operation.rawValue] }
        if usesClient { arguments += ["--layer", "client"] }
        if usesDefaultExecutor { arguments += ["--default-executor"] }
        if compresses { arguments += ["--compress"] }
        if let callsPerSecond { arguments += ["--rate", "\(callsPerSecond)"] }
        if idleConnectionCount > 0 { arguments += ["--idle-connections", "\(idleConnectionCount)"] }
        let process = try bench.start(.errand, arguments)
        return RunningErrandLoad(process: process, load: self, shape: shape, timing: bench.timing)
    }

    /// Only a closed loop of plain describes on the lowest layer moves the floor's bytes: batches share headers.
    fileprivate func check(_ result: LoadResult, _ shape: LoadShape, _ otherCallCounts: ClosedRange<Double>) throws {
        guard let all = result.allCalls, let server = result.serverCalls, otherCallCounts.contains(server - all) else {
            throw BenchmarkFailure(
                "the load counts \(result.allCalls ?? 0) calls, we \(otherCallCounts.lowerBound), the server \(result.serverCalls ?? 0)"
            )
        }
        guard operation == .describe, !usesClient, !compresses, callsPerSecond == nil, shape.inFlight >= 16 else {
            return
        }
        for (ours, floor) in [
            (result.requestBytes, shape.requestByteCount), (result.replyBytes, shape.replyByteCount),
        ] where abs(Double(ours - floor)) > Self.byteTolerance * Double(floor) {
            throw BenchmarkFailure("a call moves \(ours) bytes, the floor is given \(floor)")
        }
    }
}

struct RunningErrandLoad {
    let process: ChildProcess
    let load: ErrandLoad
    let shape: LoadShape
    let timing: Timing

    /// Filling the server comes before, so large fleets may take minutes.
    func awaitMeasuring() throws {
        let line = try process.line(withinSeconds: timing.warmupSeconds + 60 + load.thingCount / 5000)
        guard line == "measuring" else { throw BenchmarkFailure("expected “measuring”, got “\(line)”") }
    }

    /// `otherCallCounts` is how often somebody else called the server while the load ran: both sides' counts have to agree.
    func result(otherCallCounts: ClosedRange<Double>) throws -> LoadResult {
        let result = try process.decodedLine(as: LoadResult.self, withinSeconds: timing.patienceSeconds)
        try process.waitForSuccess(withinSeconds: 10)
        try load.check(result, shape, otherCallCounts)
        return result
    }
}
