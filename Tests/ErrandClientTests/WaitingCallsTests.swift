import ErrandCore
import ErrandWire
import Testing

@testable import ErrandClient

@Suite("Waiting calls", .timeLimit(.minutes(1)))
struct WaitingCallsTests {
    private static func call(deadline: Int64 = 100) -> OutstandingCall {
        OutstandingCall(
            CallNature(opcode: .health, isMutation: false, isSafeToRepeat: true), deadline: deadline,
            append: { _, _, _, _ in false }, read: { _, _, _ in })
    }

    @Test func removedCallsNeitherCountNorShow() {
        var waiting = WaitingCalls()
        let calls = (0..<1000).map { _ in Self.call() }
        for call in calls { waiting.append(call) }
        for (index, call) in calls.enumerated() where index % 10 != 5 {
            let removed = waiting.remove(call)
            let again = waiting.remove(call)
            #expect(removed && !again)
        }
        #expect(waiting.count == 100 && waiting.first === calls[5])
        let earlier = [Self.call(), Self.call()]
        waiting.prepend(earlier)
        #expect(waiting.count == 102 && waiting.first === earlier[0])
        waiting.removeFirst()
        let removed = waiting.remove(earlier[1])
        #expect(removed && waiting.first === calls[5])
        #expect(waiting.removeAll().count == 100)
        #expect(waiting.isEmpty && waiting.first == nil)
    }

    @Test func expiredCallsLeave() {
        var waiting = WaitingCalls()
        let calls = (0..<10).map { Self.call(deadline: Int64($0)) }
        for call in calls { waiting.append(call) }
        _ = waiting.remove(calls[0])
        #expect(waiting.removeExpired(at: 4).count == 4)
        #expect(waiting.count == 5 && waiting.earliestDeadline == 5)
    }

    @Test func noDurationIsTooLongForAClock() {
        let nearlyTooLong = Duration(secondsComponent: Int64.max / 1000, attosecondsComponent: 999_999_999_999_999_999)
        #expect(nearlyTooLong.milliseconds == Int64.max / 4)
        #expect(Duration.seconds(Int64.max).milliseconds == Int64.max / 4)
        #expect(Duration.seconds(Int64.min).milliseconds == 1)
        #expect(Duration.milliseconds(1500).milliseconds == 1500)
    }
}
