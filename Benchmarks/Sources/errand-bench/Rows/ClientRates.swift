/// What the convenience of the public async API costs.
struct S3: BenchmarkRow {
    let id = "S3"
    let what = "describes/s, async API, 256 tasks on 1 client"
    let against = "S2's own figure"
    let unit = "calls/s"
    let target = Target.atLeast(0.5, goal: 0.9)

    func samples(with bench: Bench) throws -> Alternation<Measurement> {
        var load = ErrandLoad()
        load.usesClient = true
        return try alternate(
            ErrandContender(name: "errand, async API", load: load), at: LoadShape(connections: 1, inFlight: 256),
            against: ErrandContender(name: "errand, wire"), at: S2.shape, with: bench, \.callsPerSecond)
    }
}

/// Against the RPC stack that a Swift project would take otherwise.
struct S4: BenchmarkRow {
    let id = "S4"
    let what = "describes/s, async API, best setting of each side"
    let against = "grpc-swift-2, own client"
    let unit = "calls/s"
    let target = Target.atLeast(60, goal: 150)

    func samples(with bench: Bench) throws -> Alternation<Measurement> {
        try BestSettings.alternate(self, against: GRPCSwiftContender(), with: bench)
    }
}

/// Against the most widespread RPC stack.
struct S5: BenchmarkRow {
    let id = "S5"
    let what = "describes/s, async API, best setting of each side"
    let against = "gRPC C++, callback server and client"
    let unit = "calls/s"
    let target = Target.atLeast(12, goal: 30)

    func samples(with bench: Bench) throws -> Alternation<Measurement> {
        try BestSettings.alternate(self, against: GRPCCppContender(), with: bench)
    }
}

/// Each side is measured where it does best: found by short trials, once a run.
enum BestSettings {
    private static let shapes = [(1, 16), (1, 64), (1, 256), (4, 16), (4, 64)].map {
        LoadShape(connections: $0.0, inFlight: $0.1)
    }

    static func alternate(
        _ row: some BenchmarkRow, against other: any Contender, with bench: Bench
    ) throws -> Alternation<Measurement> {
        var load = ErrandLoad()
        load.usesClient = true
        let ours = ErrandContender(name: "errand, async API", load: load)
        let shape = try bench.best(of: ours, among: shapes, key: ours.name)
        let otherShape: LoadShape
        do {
            otherShape = try bench.best(of: other, among: shapes, key: other.name)
        } catch is NotMeasuredYet {
            // The rounds will find the same reason, and show our side's figures beside it.
            otherShape = shape
        }
        return try row.alternate(ours, at: shape, against: other, at: otherShape, with: bench, \.callsPerSecond)
    }
}
