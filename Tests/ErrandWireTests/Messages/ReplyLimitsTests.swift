import ErrandCore
import ErrandWire
import Testing

/// SPEC §12: its limits bind requests. A reader of a reply takes what a newer server may allow, if it is well-formed
/// and UTF-8.
@Suite(.timeLimit(.minutes(2)))
struct ReplyLimitsTests {
    private func text16(_ text: String) -> [UInt8] { little(UInt16(text.utf8.count)) + Array(text.utf8) }

    private func execution(jobId: String, thingName: String, details: [UInt8]) -> Examined {
        var root = [UInt8](repeating: 0, count: 56)
        root[0] = 0b1000
        root[4] = 2
        var body = root + text16(jobId)
        body += text16(thingName)
        body += details + little(UInt32(0))
        return examine(body, words: 7)
    }

    private func examine(_ body: [UInt8], words: UInt8, status: UInt8 = 0) -> Examined {
        let bytes = frame(.describeJobExecution, body, id: 1, flags: 1, status: status, words: words)
        guard let frame = Frame(bytes) else { return .malformed }
        return MessageExaminer(frame).examine()
    }

    @Test func namesAndDetailsOfAnExecutionMayBeOfANewerServer() {
        let pairs = (0..<12).flatMap { _ in text16("same key") + text16("line\nline") }
        let examined = execution(jobId: "jöb/1", thingName: "a thing", details: little(UInt16(12)) + pairs)
        guard case .message(let fields, _) = examined else {
            Issue.record("gives \(examined.errorName)")
            return
        }
        #expect(fields["jobId"] == .text("jöb/1"))
        #expect(fields["thingName"] == .text("a thing"))
        #expect(fields["statusDetails"]?.array?.count == 12)
    }

    @Test func theyStillHaveToBeUTF8() {
        let broken = little(UInt16(1)) + text16("k") + [2, 0, 0xC0, 0x80]
        #expect(execution(jobId: "j", thingName: "t", details: broken) == .invalidField(item: nil))
    }

    @Test func aNameThatHasNoPlaceFailsItsCallOnly() {
        let long = String(repeating: "j", count: 65)
        #expect(execution(jobId: long, thingName: "t", details: [0, 0]) == .invalidField(item: nil))
    }

    @Test func aFailuresMessageIsAtMost512Bytes() {
        let root = [UInt8](repeating: 0, count: 32)
        for (count, isGood) in [(512, true), (513, false)] {
            let body = root + text16(String(repeating: "m", count: count)) + [0, 0]
            let examined = examine(body, words: 4, status: 5)
            #expect((examined == .malformed) == !isGood)
        }
    }

    @Test func anUnknownStatusIsUnknown() {
        let body = [UInt8](repeating: 0, count: 32) + [0, 0, 0, 0]
        #expect(examine(body, words: 4, status: 77).errorName == "no error")
        #expect(StatusCode(rawValue: 77) == nil)
    }
}
