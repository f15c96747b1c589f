import Testing

@testable import errand_bench

@Suite("Measuring in turns")
struct AlternationTests {
    @Test func `the side that begins changes from round to round`() throws {
        var order: [String] = []
        _ = try Alternation<Int>(
            roundCount: 3,
            ours: { note("ours", in: &order) },
            other: { note("other", in: &order) })
        #expect(order == ["other", "ours", "ours", "other", "other", "ours"])
    }

    @Test func `what cannot be measured yet is tried once and leaves the other side's figures`() throws {
        var attempts = 0
        let alternation = try Alternation<Int>(
            roundCount: 3,
            ours: {
                attempts += 1
                throw NotMeasuredYet("no load")
            },
            other: { 2 })
        #expect(attempts == 1)
        #expect(alternation.rounds.map(\.other) == [2, 2, 2])
        #expect(alternation.rounds.allSatisfy { $0.ours == nil })
        #expect(alternation.oursMissing != nil)
    }

    @Test func `a peer that is absent leaves our side's figures`() throws {
        let alternation = try Alternation<Int>(
            roundCount: 2, ours: { 1 }, other: { throw NotMeasuredYet("absent here: redis-server") })
        #expect(alternation.rounds.map(\.ours) == [1, 1])
        #expect(alternation.otherMissing != nil && alternation.oursMissing == nil)
    }

    @Test func `any other failure ends the row`() {
        #expect(throws: BenchmarkFailure.self) {
            _ = try Alternation<Int>(roundCount: 1, ours: { throw BenchmarkFailure("broke") }, other: { 2 })
        }
    }

    private func note(_ name: String, in order: inout [String]) -> Int {
        order.append(name)
        return order.count
    }
}
