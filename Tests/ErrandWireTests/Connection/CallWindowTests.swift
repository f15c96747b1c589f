import ErrandWire
import Testing

@Suite(.timeLimit(.minutes(2)))
struct CallWindowTests {
    @Test func oneCallTooManyIsRefused() throws {
        var window = CallWindow(callCountMax: 4, byteCountMax: 1000)
        try window.admit(callCount: 4, byteCount: 100)
        #expect(throws: ConnectionFault.windowExceeded) { try window.admit(callCount: 5, byteCount: 100) }
        for _ in 0..<3 { window.began(byteCount: 100) }
        try window.admit(callCount: 1, byteCount: 700)
        #expect(throws: ConnectionFault.windowExceeded) { try window.admit(callCount: 2, byteCount: 10) }
        #expect(throws: ConnectionFault.windowExceeded) { try window.admit(callCount: 1, byteCount: 701) }
        #expect(window.hasRoom(byteCount: 700))
        #expect(!window.hasRoom(byteCount: 701))
    }

    @Test func aLoneCallMayBeAsLargeAsItLikes() throws {
        var window = CallWindow(callCountMax: 4, byteCountMax: 1000)
        try window.admit(callCount: 1, byteCount: 200_000)
        #expect(window.hasRoom(byteCount: 200_000))
        window.began(byteCount: 200_000)
        #expect(throws: ConnectionFault.windowExceeded) { try window.admit(callCount: 1, byteCount: 1) }
        window.ended(byteCount: 200_000)
        try window.admit(callCount: 1, byteCount: 200_000)
    }

    @Test func aSegmentWithoutCallsIsNeverTooMuch() throws {
        var window = CallWindow(callCountMax: 1, byteCountMax: 10)
        window.began(byteCount: 50)
        try window.admit(callCount: 0, byteCount: 0)
    }

    @Test func aReplyReturnsItsCredit() throws {
        var window = CallWindow(callCountMax: 2, byteCountMax: 100)
        for _ in 0..<10 {
            try window.admit(callCount: 2, byteCount: 100)
            window.began(byteCount: 50)
            window.began(byteCount: 50)
            window.ended(byteCount: 50)
            window.ended(byteCount: 50)
        }
        #expect(window.callCount == 0)
        #expect(window.byteCount == 0)
    }
}

@Suite(.timeLimit(.minutes(2)))
struct ControlBudgetTests {
    /// Spends all that is left.
    private func expectLeft(_ expected: Int, in budget: inout ControlBudget) {
        var count = 0
        while (try? budget.spend()) != nil { count += 1 }
        #expect(count == expected)
    }

    @Test func aThousandAndNoMore() {
        var budget = ControlBudget(at: 0)
        expectLeft(1000, in: &budget)
        var fault: ConnectionFault?
        do throws(ConnectionFault) { try budget.spend() } catch { fault = error }
        #expect(fault == .controlFlood)
    }

    @Test func tenMillisecondsGiveOneBack() {
        var budget = ControlBudget(at: 5)
        expectLeft(1000, in: &budget)
        budget.refill(at: 14)
        expectLeft(0, in: &budget)
        budget.refill(at: 15)
        expectLeft(1, in: &budget)
        budget.refill(at: 44)
        expectLeft(2, in: &budget)
        budget.refill(at: 45)
        expectLeft(1, in: &budget)
    }

    @Test func neitherTimeNorCallsFillItOverItsMeasure() {
        var budget = ControlBudget(at: 0)
        budget.refill(at: 1_000_000_000)
        for _ in 0..<50 { budget.giveBack() }
        expectLeft(1000, in: &budget)
        for _ in 0..<7 { budget.giveBack() }
        expectLeft(7, in: &budget)
    }
}
