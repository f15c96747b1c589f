/// The load on an Errand server: describes of 100,000 distinct executions, random keys, in a closed loop, each reply
/// checked. A program of its own, as `floor-load` is, so that its memory and threads are not mixed with this program's.
struct ErrandLoad {
    let shape: LoadShape

    /// How far the bytes of a call may be from what the floor moves.
    private static let byteTolerance = 0.05

    func run(port: Int, with bench: Bench) throws -> LoadResult {
        let load = try bench.start(
            .errand,
            [
                "bench", "--server", "127.0.0.1:\(port)", "--connections", "\(shape.connections)", "--in-flight",
                "\(shape.inFlight)", "--seconds", "\(bench.timing.measuredSeconds)", "--warm-up",
                "\(bench.timing.warmupSeconds)", "--json",
            ])
        let result = try load.decodedLine(as: LoadResult.self, withinSeconds: bench.timing.patienceSeconds)
        try load.waitForSuccess(withinSeconds: 10)
        for (ours, floor) in [
            (result.requestBytes, shape.requestByteCount), (result.replyBytes, shape.replyByteCount),
        ] where abs(Double(ours - floor)) > Self.byteTolerance * Double(floor) {
            throw UnequalBytes(description: "a call moves \(ours) bytes, the floor is given \(floor)")
        }
        return result
    }
}

/// A ratio between sides that move different bytes says nothing.
struct UnequalBytes: Error, CustomStringConvertible {
    let description: String
}
