/// One call at a time: no batch hides what a call costs on its way.
struct S7: BenchmarkRow {
    let id = "S7"
    let what = "p50 of one call at a time, 1 connection"
    let against = "floor's ping-pong"
    let unit = "µs"
    let target = Target.atMost(1.8, goal: 1.2)

    static let shape = LoadShape(connections: 1, inFlight: 1)

    func samples(with bench: Bench) throws -> Alternation<Measurement> {
        try alternate(
            ErrandContender(), at: Self.shape, against: FloorContender(), at: Self.shape, with: bench, \.p50Microseconds
        )
    }
}

/// The same where idle CPUs halt, as they do on most virtual machines.
struct S7Halting: BenchmarkRow {
    let id = "S7-halting"
    let what = "the same, idle CPUs may halt"
    let against = "floor's ping-pong"
    let unit = "µs"
    let target = Target.atMost(1.8, goal: 1.2)

    func samples(with bench: Bench) throws -> Alternation<Measurement> {
        try bench.withHaltingCPUs {
            try alternate(
                ErrandContender(), at: S7.shape, against: FloorContender(), at: S7.shape, with: bench,
                \.p50Microseconds)
        }
    }
}
