/// Counted in the server's own process while S1's load runs, by a library that stands before malloc.
struct S12: BenchmarkRow {
    let id = "S12"
    let what = "heap allocations for each describe, steady state"
    let against = "a describe"
    let unit = "allocations"
    let target = Target.atMost(2, goal: 0)

    func samples(with bench: Bench) throws -> Alternation<Measurement> {
        try proveCounter(with: bench)
        let ours = ErrandContender(name: "errand, counted", counter: .allocations)
        let rounds = try Alternation(
            roundCount: min(2, bench.roundCount),
            ours: {
                try measurement(of: ours, at: S1.shape, with: bench) { load in
                    guard let count = load.allocationsPerCall else { throw BenchmarkFailure("nothing was counted") }
                    return count
                }
            }, other: { throw NotMeasuredYet("it is a count for each describe, there is no other side") })
        return rounds.perCall()
    }

    /// A counter that sees nothing would be the best server of all: so it has to find what is planted, exactly.
    private func proveCounter(with bench: Bench) throws {
        let planted = 1000
        let (environment, page) = try Counter.allocations.attach()
        let probe = try bench.start(.allocationProbe, ["\(planted)"], environment: environment)
        try probe.waitForSuccess(withinSeconds: 10)
        let found = page.read(1)[0]
        guard Int(found) == planted else {
            throw BenchmarkFailure("of \(planted) planted allocations \(Int(found)) were counted")
        }
        note("  \(planted) planted allocations were all counted")
    }
}

extension Alternation<Measurement> {
    /// A figure that is already a quotient stands against 1.
    fileprivate func perCall() -> Alternation<Measurement> {
        Alternation(
            rounds: rounds.map { round in
                let one = round.ours.map { Measurement(value: 1, load: nil, disturbance: $0.disturbance) }
                return Round(ours: round.ours, other: one)
            }, oursMissing: oursMissing, otherMissing: nil)
    }
}
