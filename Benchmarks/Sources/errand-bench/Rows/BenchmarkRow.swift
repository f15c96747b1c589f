/// One row of the table of targets. A new row is one file beside this one, and one line in `allRows`.
protocol BenchmarkRow: Sendable {
    var id: String { get }
    var what: String { get }
    /// What `ours` is held against.
    var against: String { get }
    var unit: String { get }
    var target: Target { get }

    func samples(with bench: Bench) throws -> Alternation<Measurement>
}

/// Which way is good, where acceptance begins, and where we want to be. All are ratios, ours to the other's.
struct Target: Sendable {
    enum Direction: String, Encodable, Sendable {
        case atLeast, atMost

        func text(_ level: Double) -> String { (self == .atLeast ? "≥ " : "≤ ") + Report.ratioText(level) }
    }

    let direction: Direction
    let bar: Double
    let goal: Double

    static func atLeast(_ bar: Double, goal: Double) -> Self { Self(direction: .atLeast, bar: bar, goal: goal) }
    static func atMost(_ bar: Double, goal: Double) -> Self { Self(direction: .atMost, bar: bar, goal: goal) }

    func isMet(by ratio: Double, _ level: Double) -> Bool {
        direction == .atLeast ? ratio >= level : ratio <= level
    }
}

/// One figure of one side in one round, and what else the machine did meanwhile.
struct Measurement: Sendable {
    let value: Double
    let load: LoadResult?
    let disturbance: Disturbance

    /// Another figure of the same measurement.
    func with(_ value: Double?) throws -> Measurement {
        guard let value else { throw BenchmarkFailure("a load result lacks the figure") }
        return Measurement(value: value, load: load, disturbance: disturbance)
    }
}

let allRows: [any BenchmarkRow] = [
    S1(), S2(), S3(), S4(), S5(), S6(), S7(), S7Halting(), S8(), S9(), S10(), S11Bytes(), S11Rate(), S12(), S13(),
]

extension BenchmarkRow {
    /// Never throws: one row that breaks should not cost the others.
    func measure(with bench: Bench) -> RowResult {
        do {
            return RowResult(row: self, alternation: try samples(with: bench))
        } catch let missing as NotMeasuredYet {
            return RowResult(row: self, missing: missing)
        } catch {
            return RowResult(row: self, failure: "\(error)")
        }
    }

    /// One measurement of a side, with what the machine did beside it.
    func measurement(
        of contender: any Contender, at shape: LoadShape, with bench: Bench, _ value: (LoadResult) throws -> Double
    ) throws -> Measurement {
        let (load, disturbance) = try Disturbance.during { try contender.measure(shape, with: bench) }
        let figure = try value(load)
        note("  \(contender.name): \(Report.figure(figure)) \(unit)" + disturbance.remark)
        return Measurement(value: figure, load: load, disturbance: disturbance)
    }

    func alternate(
        _ ours: any Contender, at shape: LoadShape, against other: any Contender, at otherShape: LoadShape,
        with bench: Bench, _ value: (LoadResult) throws -> Double
    ) throws -> Alternation<Measurement> {
        try Alternation(
            roundCount: bench.roundCount,
            ours: { try measurement(of: ours, at: shape, with: bench, value) },
            other: { try measurement(of: other, at: otherShape, with: bench, value) })
    }
}
