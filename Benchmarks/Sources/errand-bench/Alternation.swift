/// Measures two sides in turns, so that both meet the same moods of the machine.
struct Alternation<Sample> {
    struct Round {
        let ours: Sample?
        let other: Sample
    }

    private(set) var rounds: [Round] = []
    /// Why our side has no samples.
    private(set) var notMeasuredYet: NotMeasuredYet?

    /// Which side begins changes from round to round: who comes second finds a warmer machine.
    init(roundCount: Int, ours: () throws -> Sample, other: () throws -> Sample) throws {
        for index in 0..<roundCount {
            let otherFirst = index.isMultiple(of: 2) ? try other() : nil
            let oursSample = try measure(ours)
            rounds.append(Round(ours: oursSample, other: try otherFirst ?? other()))
        }
    }

    private mutating func measure(_ ours: () throws -> Sample) throws -> Sample? {
        guard notMeasuredYet == nil else { return nil }
        do {
            return try ours()
        } catch let missing as NotMeasuredYet {
            notMeasuredYet = missing
            return nil
        }
    }
}

func median(_ values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
}
