/// The shape that S1, S2 and their kin share: describes per second in a closed loop, ours against another contender.
protocol DescribeRate: BenchmarkRow {
    var shape: LoadShape { get }
    var other: any Contender { get }
}

extension DescribeRate {
    var what: String { "describes/s, \(shape.connections) connections × \(shape.inFlight) in flight" }
    var against: String { other.name }
    var unit: String { "calls/s" }

    func samples(with bench: Bench) throws -> Alternation<Measurement> {
        try Alternation(
            roundCount: bench.roundCount,
            ours: { try rate(of: ErrandContender(), with: bench) },
            other: { try rate(of: other, with: bench) })
    }

    private func rate(of contender: any Contender, with bench: Bench) throws -> Measurement {
        let (load, disturbance) = try Disturbance.during { try contender.measure(shape, with: bench) }
        note("  \(contender.name): \(Report.figure(load.callsPerSecond)) calls/s" + disturbance.remark)
        return Measurement(value: load.callsPerSecond, load: load, disturbance: disturbance)
    }
}
