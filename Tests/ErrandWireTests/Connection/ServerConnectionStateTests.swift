import ErrandCore
import ErrandWire
import Testing

@Suite(.timeLimit(.minutes(2)))
struct ServerConnectionStateTests {
    /// A server's state with its stream, as a connection owns them.
    private final class Peer {
        var state: TestServer
        var stream = FrameStream()
        var codec = SegmentCodec()

        init(_ state: TestServer = serverState()) { self.state = state }

        func receive(_ bytes: [UInt8]) -> ConnectionFault? {
            do throws(ConnectionFault) {
                try stream.receive(bytes.span.bytes, codec: &codec, for: &state)
                return nil
            } catch {
                return error
            }
        }

        func goAway() -> Bool { state.goAway(graceMilliseconds: 5000, message: "stopping") }

        func sent(afterMagic: Bool = false) -> [SplitSegment]? {
            var output: [UInt8] = []
            state.seal(into: &output, with: &codec)
            if afterMagic, !output.starts(with: WireLimits.magic) { return nil }
            return SplitSegment.all(in: output, droppingMagic: afterMagic)
        }
    }

    private func opcodes(_ segments: [SplitSegment]?) -> [UInt8] { segments?.flatMap(\.frames).map { $0[4] } ?? [] }

    @Test func helloIsAnsweredWithWelcomeAlone() throws {
        let peer = Peer()
        #expect(peer.state.phase == .opening)
        #expect(peer.receive(opening { $0.compressions = 1 }) == nil)
        #expect(peer.state.phase == .serving)
        #expect(peer.state.hello?.clientName == "test")
        let sent = try #require(peer.sent(afterMagic: true))
        #expect(sent.map(\.frames.count) == [1])
        #expect(opcodes(sent) == [Opcode.welcome.rawValue])
        #expect(!sent[0].isCompressed)
        #expect(sent[0].hasChecksum)
        #expect(peer.state.agreement == SegmentAgreement(compression: true, checksums: false))
    }

    @Test(arguments: [true, false], [true, false])
    func nothingIsChosenThatTheClientDidNotOffer(_ compression: Bool, _ checksums: Bool) {
        let peer = Peer(serverState(compression: true, checksums: false))
        #expect(
            peer.receive(
                opening {
                    $0.compressions = compression ? 0xFF : 0xFE
                    $0.checksums = checksums ? 1 : 0
                }) == nil)
        #expect(peer.state.agreement == SegmentAgreement(compression: compression, checksums: checksums))
    }

    @Test func aServerThatWantsChecksumsGetsThem() {
        let peer = Peer(serverState(compression: false, checksums: true))
        #expect(peer.receive(opening { $0.compressions = 1 }) == nil)
        #expect(peer.state.agreement == SegmentAgreement(compression: false, checksums: true))
    }

    @Test func repliesToBytesBehindHelloDoNotShareItsSegment() throws {
        let peer = Peer(serverState(checksums: true))
        #expect(peer.receive(opening() + segment(healthCall(1))) == nil)
        #expect(peer.state.calls.ids == [1])
        peer.state.ping(opaque: 3)
        #expect(peer.sent(afterMagic: true)?.map(\.frames.count) == [1, 1])
    }

    @Test func faultsOfHelloComeInOrder() {
        let all: (inout Hello) -> Void = {
            $0.versionMin = 9
            $0.versionMax = 2
            $0.features = 1
            $0.credentialKind = 7
        }
        let expected: [(ConnectionFault, (inout Hello) -> Void)] = [
            (
                .controlMalformed,
                {
                    all(&$0)
                    $0.segmentByteCountMax = 65_535
                }
            ),
            (.unsupportedVersion, all),
            (
                .featureUnknown,
                {
                    all(&$0)
                    $0.versionMin = 1
                }
            ),
            (.credentialRefused, { $0.credentialKind = 7 }),
        ]
        for (fault, change) in expected {
            let peer = Peer()
            #expect(peer.receive(opening(change)) == fault)
            #expect(peer.state.phase == .opening)
        }
    }

    @Test func idsHaveToRise() {
        let peer = Peer()
        #expect(peer.receive(opening() + segment(healthCall(5)) + segment(healthCall(900))) == nil)
        #expect(peer.state.lastRequestId == 900)
        #expect(peer.receive(segment(healthCall(900))) == .requestIdNotRising)
        #expect(peer.state.calls.ids == [5, 900])
    }

    @Test func aSegmentAboveTheWindowRunsNoneOfItsCalls() {
        let peer = Peer(serverState { $0.callsInFlightMax = 4 })
        #expect(peer.receive(opening()) == nil)
        #expect(peer.receive(segment((1...5).flatMap { healthCall($0) })) == .windowExceeded)
        #expect(peer.state.calls.ids.isEmpty)
    }

    @Test func answeredCallsReturnTheirCredit() {
        let peer = Peer(serverState { $0.callsInFlightMax = 2 })
        #expect(peer.receive(opening()) == nil)
        for id in stride(from: UInt64(1), to: 40, by: 2) {
            #expect(peer.receive(segment(healthCall(id) + healthCall(id + 1))) == nil)
            #expect(peer.state.callsInFlight == 2)
            peer.state.answered(callCount: 2, frameByteCount: 48)
        }
        #expect(peer.state.callsInFlight == 0)
    }

    @Test func pingsOfOneReadGetOnePong() throws {
        let peer = Peer()
        #expect(peer.receive(opening()) == nil)
        _ = peer.sent()
        let pings = (1...5).flatMap { segment(control(Ping(opaque: $0), .ping)) }
        #expect(peer.receive(pings) == nil)
        #expect(peer.state.wantsToSend)
        let sent = try #require(peer.sent())
        #expect(sent.flatMap(\.frames) == [control(Ping(opaque: 5), .pong)])
        #expect(!peer.state.wantsToSend)
        #expect(peer.sent() == [])
    }

    @Test func tooManyControlMessagesAreAFlood() {
        let peer = Peer()
        #expect(peer.receive(opening()) == nil)
        let ping = segment((0..<500).flatMap { _ in control(Ping(opaque: 1), .ping) }, hasChecksum: false)
        let cancel = segment((0..<500).flatMap { frame(.cancelCall, id: $0) }, hasChecksum: false)
        #expect(peer.receive(ping + cancel) == nil)
        #expect(peer.state.calls.cancelledIds.count == 500)
        #expect(peer.receive(segment(control(Ping(opaque: 1), .ping))) == .controlFlood)
    }

    @Test func connectionErrorIsSentOnceAndLast() throws {
        let peer = Peer()
        #expect(peer.receive(opening() + segment(control(Ping(opaque: 1), .ping))) == nil)
        _ = peer.sent()
        #expect(peer.receive(segment(control(Ping(opaque: 2), .ping) + healthReply(1))) == .frameUnexpected)
        peer.state.fail(.frameUnexpected)
        peer.state.fail(.badMagic)
        #expect(peer.state.phase == .closed)
        let sent = try #require(peer.sent())
        #expect(opcodes(sent) == [Opcode.pong.rawValue, Opcode.connectionError.rawValue])
        #expect(sent.last?.hasChecksum == true)
        #expect(sent.last?.frames.last?[6] == StatusCode.protocolError.rawValue)
        #expect(sent.last?.frames.last.map { number($0[16..<18], as: UInt16.self) } == 20)
        peer.state.ping(opaque: 1)
        #expect(!peer.goAway())
        #expect(peer.sent() == [])
    }

    @Test func aRefusalBeforeWelcomeBeginsWithTheMagic() throws {
        let peer = Peer()
        #expect(peer.receive(Array("GET / HTTP/1.1\r\n".utf8)) == .httpOnPlaintext)
        peer.state.fail(.httpOnPlaintext)
        #expect(opcodes(peer.sent(afterMagic: true)) == [Opcode.connectionError.rawValue])
    }

    @Test func aClientsConnectionErrorEndsItAndIsNotAnswered() {
        let peer = Peer()
        #expect(peer.receive(opening()) == nil)
        _ = peer.sent()
        let error = control(ConnectionErrorMessage(reason: 28, message: "odd"), .connectionError, status: 48)
        #expect(peer.receive(segment(healthCall(1) + error + healthCall(2))) == nil)
        #expect(peer.state.phase == .closed)
        #expect(peer.state.clientError?.reason == 28)
        #expect(peer.state.calls.ids == [1])
        peer.state.fail(.idleTimeout)
        #expect(peer.sent() == [])
    }

    @Test func aDrainingServerSaysSoOnceAndStillReads() throws {
        let peer = Peer()
        #expect(!peer.goAway())
        #expect(peer.receive(opening() + segment(healthCall(7))) == nil)
        _ = peer.sent()
        #expect(peer.goAway())
        #expect(!peer.goAway())
        #expect(peer.state.phase == .draining)
        let frame = try #require(peer.sent()?.first?.frames.first)
        #expect(frame[4] == Opcode.goAway.rawValue)
        #expect(frame[6] == StatusCode.unavailable.rawValue)
        #expect(number(frame[16..<24], as: UInt64.self) == 7)
        #expect(peer.receive(segment(healthCall(8)) + segment(control(Ping(opaque: 1), .ping))) == nil)
        #expect(peer.state.calls.ids == [7, 8])
        #expect(opcodes(peer.sent()) == [Opcode.pong.rawValue])
    }

    @Test func aPausedCallHoldsBackTheCallsBehindIt() throws {
        let peer = Peer()
        peer.state.calls.pauses = true
        #expect(peer.receive(opening() + segment(healthCall(1) + healthCall(2))) == nil)
        #expect(peer.state.calls.ids == [1])
        try peer.stream.resume(codec: &peer.codec, for: &peer.state)
        #expect(peer.state.calls.ids == [1, 2])
    }
}
