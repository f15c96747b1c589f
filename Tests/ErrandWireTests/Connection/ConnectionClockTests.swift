import ErrandWire
import Testing

@Suite(.timeLimit(.minutes(2)))
struct ConnectionClockTests {
    @Test func aHandshakeHasFiveSeconds() {
        var clock = ConnectionClock(at: 100)
        #expect(clock.check(at: 5099, isGreeted: false) == .fine)
        #expect(clock.check(at: 5100, isGreeted: false) == .failed(.handshakeTimeout))
        #expect(clock.check(at: 5100, isGreeted: true) == .fine)
    }

    @Test func dripsDoNotProlongAHandshake() {
        var clock = ConnectionClock(at: 0)
        for now in stride(from: Int64(1000), to: 5000, by: 1000) {
            clock.heard(at: now, isInsideSegment: true, completedSegment: false)
        }
        #expect(clock.check(at: 5000, isGreeted: false) == .failed(.handshakeTimeout))
    }

    @Test func dripsDoNotProlongASegment() {
        var clock = ConnectionClock(at: 0)
        for now in stride(from: Int64(1000), through: 30_000, by: 1000) {
            clock.heard(at: now, isInsideSegment: true, completedSegment: false)
            #expect(clock.check(at: now, isGreeted: true) == .fine)
        }
        #expect(clock.check(at: 30_999, isGreeted: true) == .fine)
        #expect(clock.check(at: 31_000, isGreeted: true) == .failed(.segmentTimeout))
    }

    @Test func anotherSegmentHasItsOwnTime() {
        var clock = ConnectionClock(at: 0)
        clock.heard(at: 1000, isInsideSegment: true, completedSegment: false)
        clock.heard(at: 20_000, isInsideSegment: true, completedSegment: true)
        #expect(clock.check(at: 49_999, isGreeted: true) == .fine)
        #expect(clock.check(at: 50_000, isGreeted: true) == .failed(.segmentTimeout))
        clock.heard(at: 50_000, isInsideSegment: false, completedSegment: true)
        #expect(clock.check(at: 80_000, isGreeted: true) == .fine)
    }

    @Test func silenceIsAnsweredWithPingThenWithTheEnd() {
        var clock = ConnectionClock(at: 0)
        #expect(clock.check(at: 59_999, isGreeted: true) == .fine)
        #expect(clock.check(at: 60_000, isGreeted: true) == .ping)
        #expect(clock.check(at: 79_999, isGreeted: true) == .fine)
        #expect(clock.check(at: 80_000, isGreeted: true) == .failed(.idleTimeout))
    }

    @Test func anyByteEndsTheSilence() {
        var clock = ConnectionClock(at: 0)
        #expect(clock.check(at: 60_000, isGreeted: true) == .ping)
        clock.heard(at: 70_000, isInsideSegment: false, completedSegment: true)
        #expect(clock.check(at: 80_000, isGreeted: true) == .fine)
        #expect(clock.check(at: 129_999, isGreeted: true) == .fine)
        #expect(clock.check(at: 130_000, isGreeted: true) == .ping)
    }

    @Test func aReaderThatTakesNothingIsSlow() {
        var clock = ConnectionClock(at: 0)
        clock.wrote(at: 1000, progressed: false, hasRest: true)
        clock.wrote(at: 9000, progressed: false, hasRest: true)
        #expect(clock.check(at: 10_999, isGreeted: true) == .fine)
        #expect(clock.check(at: 11_000, isGreeted: true) == .failed(.slowReader))
    }

    @Test func aReaderThatTakesSomethingIsNot() {
        var clock = ConnectionClock(at: 0)
        clock.wrote(at: 1000, progressed: false, hasRest: true)
        clock.wrote(at: 10_000, progressed: true, hasRest: true)
        #expect(clock.check(at: 19_999, isGreeted: true) == .fine)
        clock.wrote(at: 19_999, progressed: true, hasRest: false)
        #expect(clock.check(at: 59_000, isGreeted: true) == .fine)
    }

    @Test func theOwnersTimesCount() {
        var clock = ConnectionClock(at: 0, idleTimeoutMilliseconds: 50, pingTimeoutMilliseconds: 7)
        #expect(clock.check(at: 50, isGreeted: true) == .ping)
        #expect(clock.check(at: 57, isGreeted: true) == .failed(.idleTimeout))
    }
}
