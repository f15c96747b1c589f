/// One row as it goes into the report. A figure that was not measured is absent, never zero.
struct RowResult: Encodable {
    struct Round: Encodable {
        let ours: Double?
        let other: Double
        /// Others worked beside either side, or the host moved the CPUs during or between them.
        let isDisturbed: Bool
        let oursHandoffNanoseconds: Double?
        let otherHandoffNanoseconds: Double
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

    /// The ratio is the median of the rounds' own ratios: both sides of one round met the same mood of the machine.
    init(row: any BenchmarkRow, alternation: Alternation<Measurement>) {
        self.init(row: row, status: "measured")
        rounds = alternation.rounds.map { round in
            let theirs = round.other.disturbance
            let ours = round.ours?.disturbance
            let isOursDisturbed = ours.map { $0.isTooMuch || $0.haveCPUsMoved(since: theirs) }
            return Round(
                ours: round.ours?.value, other: round.other.value,
                isDisturbed: theirs.isTooMuch || isOursDisturbed == true,
                oursHandoffNanoseconds: ours?.handoff, otherHandoffNanoseconds: theirs.handoff,
                oursLoad: round.ours?.load, otherLoad: round.other.load)
        }
        other = median(rounds.map(\.other))
        if let missing = alternation.notMeasuredYet {
            status = "not measured yet: \(missing)"
            return
        }
        ours = median(rounds.compactMap(\.ours))
        ratio = median(rounds.compactMap { round in round.ours.map { $0 / round.other } })
        met = ratio.map { row.target.isMet(by: $0, row.target.bar) }
        goalMet = ratio.map { row.target.isMet(by: $0, row.target.goal) }
    }
}
