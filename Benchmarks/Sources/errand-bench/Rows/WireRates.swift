/// Many connections, few calls on each: what a fleet looks like.
struct S1: BenchmarkRow {
    let id = "S1"
    let what = "describes/s, 64 connections × 16 in flight"
    let against = "floor"
    let unit = "calls/s"
    let target = Target.atLeast(0.45, goal: 0.8)

    static let shape = LoadShape(connections: 64, inFlight: 16)

    func samples(with bench: Bench) throws -> Alternation<Measurement> {
        try bench.shared(id) {
            try alternate(
                ErrandContender(), at: Self.shape, against: FloorContender(), at: Self.shape, with: bench,
                \.callsPerSecond)
        }
    }
}

/// Few connections, many calls on each: what fleet tools look like. The floor batches most here.
struct S2: BenchmarkRow {
    let id = "S2"
    let what = "describes/s, 4 connections × 64 in flight"
    let against = "floor"
    let unit = "calls/s"
    let target = Target.atLeast(0.25, goal: 0.5)

    static let shape = LoadShape(connections: 4, inFlight: 64)

    func samples(with bench: Bench) throws -> Alternation<Measurement> {
        try alternate(
            ErrandContender(), at: Self.shape, against: FloorContender(), at: Self.shape, with: bench, \.callsPerSecond)
    }
}

/// What Redis does best: many small reads on few connections, pipelined.
struct S6: BenchmarkRow {
    let id = "S6"
    let what = "describes/s, 8 connections × 64 in flight"
    let against = "Redis GET 250 B, -P 64 -c 8"
    let unit = "calls/s"
    let target = Target.atLeast(0.8, goal: 1.5)

    func samples(with bench: Bench) throws -> Alternation<Measurement> {
        let shape = LoadShape(connections: 8, inFlight: 64)
        return try alternate(
            ErrandContender(), at: shape, against: RedisContender(command: .get), at: shape, with: bench,
            \.callsPerSecond)
    }
}

/// Of the same runs as S1: what a call costs the server.
struct S13: BenchmarkRow {
    let id = "S13"
    let what = "server CPU for each describe, in S1's runs"
    let against = "floor's server"
    let unit = "µs"
    let target = Target.atMost(3, goal: 1.5)

    func samples(with bench: Bench) throws -> Alternation<Measurement> {
        let rounds = try S1().samples(with: bench)
        return try rounds.map(
            ours: { try $0.with($0.load?.serverMicrosecondsPerCall) },
            other: { try $0.with($0.load?.serverMicrosecondsPerCall) })
    }
}
