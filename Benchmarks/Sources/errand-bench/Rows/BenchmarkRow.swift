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
}

let allRows: [any BenchmarkRow] = [S1(), S2()]

extension BenchmarkRow {
    /// Never throws: one row that breaks should not cost the others.
    func measure(with bench: Bench) -> RowResult {
        do {
            return RowResult(row: self, alternation: try samples(with: bench))
        } catch {
            return RowResult(row: self, failure: "\(error)")
        }
    }
}
