/// One row as it goes into the report. A figure that was not measured is absent, never zero.
struct RowResult: Encodable {
    struct Round: Encodable {
        let ours: Double?
        let other: Double?
        /// Others worked beside either side, or the host moved the CPUs during or between them.
        let isDisturbed: Bool
        let oursHandoffNanoseconds: Double?
        let otherHandoffNanoseconds: Double?
        let oursLoad: LoadResult?
        let otherLoad: LoadResult?
    }

    let id: String
    let what: String
    let against: String
    let unit: String
    var status: String
    var ours: Double?
    var other: Double?
    var ratio: Double?
    /// Whether `bar` and `goal` are the least or the most that the ratio may be.
    let direction: Target.Direction
    let bar: Double
    let goal: Double
    /// Whether the first bar is met; absent if there is no ratio.
    var met: Bool?
    var goalMet: Bool?
    var rounds: [Round] = []
    var isBroken = false

    private init(row: any BenchmarkRow, status: String) {
        (id, what, against, unit) = (row.id, row.what, row.against, row.unit)
        (direction, bar, goal) = (row.target.direction, row.target.bar, row.target.goal)
        self.status = status
    }

    init(row: any BenchmarkRow, failure: String) {
        self.init(row: row, status: "failed: \(failure)")
        isBroken = true
    }

    init(row: any BenchmarkRow, missing: NotMeasuredYet) {
        self.init(row: row, status: "not measured: \(missing)")
    }

    /// The ratio is the median of the rounds' own ratios: both sides of one round met the same mood of the machine.
    init(row: any BenchmarkRow, alternation: Alternation<Measurement>) {
        self.init(row: row, status: "measured")
        rounds = alternation.rounds.map(Round.init)
        ours = median(rounds.compactMap(\.ours))
        other = median(rounds.compactMap(\.other))
        if let missing = alternation.oursMissing { status = "not measured: \(missing)" }
        if let missing = alternation.otherMissing { status = "not measured: \(missing)" }
        ratio = median(rounds.compactMap { round in round.ours.flatMap { ours in round.other.map { ours / $0 } } })
        met = ratio.map { row.target.isMet(by: $0, row.target.bar) }
        goalMet = ratio.map { row.target.isMet(by: $0, row.target.goal) }
    }
}

extension RowResult.Round {
    init(_ round: Alternation<Measurement>.Round) {
        let theirs = round.other?.disturbance, ours = round.ours?.disturbance
        var haveMoved = false
        if let ours, let theirs { haveMoved = ours.haveCPUsMoved(since: theirs) }
        self.init(
            ours: round.ours?.value, other: round.other?.value,
            isDisturbed: haveMoved || [ours, theirs].contains { $0?.isTooMuch == true },
            oursHandoffNanoseconds: ours?.handoff, otherHandoffNanoseconds: theirs?.handoff,
            oursLoad: round.ours?.load, otherLoad: round.other?.load)
    }
}
