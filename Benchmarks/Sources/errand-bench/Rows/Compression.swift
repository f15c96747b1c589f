/// Runs of S1's load with zlib and without, in turns.
enum Compression {
    static func rounds(_ row: some BenchmarkRow, with bench: Bench) throws -> Alternation<Measurement> {
        try bench.shared("S11") {
            var load = ErrandLoad()
            load.compresses = true
            return try row.alternate(
                ErrandContender(name: "errand, zlib", load: load), at: S1.shape,
                against: ErrandContender(name: "errand, plain"), at: S1.shape, with: bench, \.callsPerSecond)
        }
    }
}

struct S11Bytes: BenchmarkRow {
    let id = "S11-bytes"
    let what = "bytes on the wire for a reply of S1, zlib on"
    let against = "zlib off"
    let unit = "bytes"
    let target = Target.atMost(0.25, goal: 0.2)

    func samples(with bench: Bench) throws -> Alternation<Measurement> {
        try Compression.rounds(S11Rate(), with: bench).map(
            ours: { try $0.with($0.load.map { Double($0.replyBytes) }) },
            other: { try $0.with($0.load.map { Double($0.replyBytes) }) })
    }
}

struct S11Rate: BenchmarkRow {
    let id = "S11-rate"
    let what = "describes/s in S1's load, zlib on"
    let against = "zlib off"
    let unit = "calls/s"
    let target = Target.atLeast(0.35, goal: 0.6)

    func samples(with bench: Bench) throws -> Alternation<Measurement> {
        try Compression.rounds(self, with: bench)
    }
}
