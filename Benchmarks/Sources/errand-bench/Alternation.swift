/// Measures two sides in turns, so that both meet the same moods of the machine.
struct Alternation<Sample> {
    struct Round {
        let ours: Sample?
        let other: Sample?
    }

    private(set) var rounds: [Round] = []
    /// Why a side has no samples.
    private(set) var oursMissing: NotMeasuredYet?
    private(set) var otherMissing: NotMeasuredYet?

    /// Which side begins changes from round to round: who comes second finds a warmer machine.
    init(roundCount: Int, ours: () throws -> Sample, other: () throws -> Sample) throws {
        for index in 0..<roundCount {
            let otherFirst = index.isMultiple(of: 2)
            let early = otherFirst ? try Self.measure(other, &otherMissing) : nil
            let oursSample = try Self.measure(ours, &oursMissing)
            let otherSample = otherFirst ? early : try Self.measure(other, &otherMissing)
            rounds.append(Round(ours: oursSample, other: otherSample))
        }
    }

    private static func measure(_ side: () throws -> Sample, _ missing: inout NotMeasuredYet?) throws -> Sample? {
        guard missing == nil else { return nil }
        do {
            return try side()
        } catch let reason as NotMeasuredYet {
            missing = reason
            return nil
        }
    }
}

extension Alternation {
    /// The same rounds, seen otherwise.
    func map<Other>(ours: (Sample) throws -> Other, other: (Sample) throws -> Other) rethrows -> Alternation<Other> {
        Alternation<Other>(
            rounds: try rounds.map { round in
                .init(ours: try round.ours.map(ours), other: try round.other.map(other))
            }, oursMissing: oursMissing, otherMissing: otherMissing)
    }

    init(rounds: [Round], oursMissing: NotMeasuredYet?, otherMissing: NotMeasuredYet?) {
        self.rounds = rounds
        self.oursMissing = oursMissing
        self.otherMissing = otherMissing
    }
}

func median(_ values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
}
