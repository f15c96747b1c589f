import Testing

@testable import ErrandStore

@Suite("How many rows a checkpoint writes at once", .timeLimit(.minutes(1)))
struct SlicePaceTests {
    /// What so many rows take, at so many microseconds for each.
    private func settled(microsecondsPerRow: Int) -> Int {
        var pace = SlicePace()
        for _ in 0..<40 {
            pace.note(rowCount: pace.rowCount, took: .microseconds(pace.rowCount * microsecondsPerRow))
        }
        return pace.rowCount
    }

    @Test("as many as take about a millisecond", arguments: [3, 5, 10, 20])
    func settles(microsecondsPerRow: Int) {
        let duration = settled(microsecondsPerRow: microsecondsPerRow) * microsecondsPerRow
        #expect((500...1000).contains(duration))
    }

    @Test("but some in any case, and never so many that all wait for them")
    func bounds() {
        #expect(settled(microsecondsPerRow: 1000) == 16)
        #expect(settled(microsecondsPerRow: 0) == 512)
    }

    @Test("a last slice that was not full says nothing of what a full one would take")
    func shortSlice() {
        var pace = SlicePace()
        let before = pace.rowCount
        pace.note(rowCount: 1, took: .microseconds(20))
        #expect(pace.rowCount == before)
    }
}
