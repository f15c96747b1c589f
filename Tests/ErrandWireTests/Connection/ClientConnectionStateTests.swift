import ErrandCore
import ErrandWire
import Testing

/// A client against a server that breaks the rules: each fault ends the connection by its name, and nothing after
/// it is delivered.
@Suite(.timeLimit(.minutes(2)))
struct ClientConnectionStateTests {
    private func welcome(_ change: (inout Welcome) -> Void = { _ in }) -> [UInt8] {
        var welcome = Welcome()
        change(&welcome)
        return WireLimits.magic + segment(control(welcome, .welcome))
    }

    private func run(
        _ bytes: [UInt8], inFlight: [UInt64: Opcode] = [:], compression: Bool = true
    ) -> (fault: ConnectionFault?, state: TestClient) {
        var codec = SegmentCodec()
        var state = clientState(compression: compression, inFlight: inFlight)
        let fault = feed([bytes[...]], to: &state, codec: &codec)
        return (fault, state)
    }

    @Test func welcomeSettlesWhatFollows() {
        let run = run(
            welcome {
                $0.compression = 1
                $0.checksums = 1
            })
        #expect(run.fault == nil)
        #expect(run.state.phase == .serving)
        #expect(run.state.agreement == SegmentAgreement(compression: true, checksums: true))
        #expect(run.state.inboundSegmentByteCountMax == WireLimits.segmentByteCountMax)
        #expect(run.state.sink.welcomes.count == 1)
    }

    @Test func aWelcomeThatTheClientDidNotAskForIsRefused() {
        #expect(run(welcome { $0.version = 2 }).fault == .unsupportedVersion)
        #expect(run(welcome { $0.version = 0 }).fault == .unsupportedVersion)
        #expect(run(welcome { $0.features = 8 }).fault == .featureUnknown)
        #expect(run(welcome { $0.features = 1 << 40 }).fault == nil)
        #expect(run(welcome { $0.compression = 1 }, compression: false).fault == .compressionNotAgreed)
        #expect(run(welcome { $0.segmentByteCountMax = 65_535 }).fault == .controlMalformed)
        #expect(run(welcome { $0.callsInFlightMax = 0 }).fault == .controlMalformed)
        #expect(run(welcome { $0.batchItemCountMax = 0 }).fault == .controlMalformed)
    }

    @Test func aReplyToNoCallIsRefused() {
        let calls: [UInt64: Opcode] = [1: .health, 2: .serverInfo]
        #expect(run(welcome() + segment(healthReply(1)), inFlight: calls).state.sink.repliedIds == [1])
        #expect(run(welcome() + segment(healthReply(3)), inFlight: calls).fault == .unrequestedReply)
        #expect(run(welcome() + segment(healthReply(2)), inFlight: calls).fault == .unrequestedReply)
        let twice = run(welcome() + segment(healthReply(1) + healthReply(1)), inFlight: calls)
        #expect(twice.fault == .unrequestedReply)
        #expect(twice.state.sink.repliedIds == [1])
    }

    @Test func whatOnlyAClientMaySendIsRefused() {
        let second = welcome() + segment(control(Welcome(), .welcome))
        #expect(run(second).fault == .frameUnexpected)
        #expect(run(welcome() + segment(control(Hello(), .hello))).fault == .frameUnexpected)
        #expect(run(welcome() + segment(frame(.cancelCall, id: 1))).fault == .frameUnexpected)
        #expect(run(welcome() + segment(healthCall(1))).fault == .frameUnexpected)
        #expect(run(WireLimits.magic + segment(healthReply(1)), inFlight: [1: .health]).fault == .frameUnexpected)
        #expect(run(WireLimits.magic + segment(control(Ping(opaque: 1), .ping))).fault == .frameUnexpected)
    }

    @Test func aStatusOrFlagWhereNoneBelongsIsRefused() {
        #expect(run(welcome() + segment(control(Ping(opaque: 1), .ping, status: 1))).fault == .frameUnexpected)
        #expect(run(welcome() + segment(control(Ping(opaque: 1), .pong, status: 1))).fault == .frameUnexpected)
        #expect(
            run(WireLimits.magic + segment(control(Welcome(), .welcome, status: 1))).fault == .frameUnexpected)
        for opcode in [Opcode.ping, .goAway, .connectionError] {
            #expect(run(welcome() + segment(frame(opcode, [], flags: 1))).fault == .frameUnexpected)
        }
        #expect(run(welcome() + segment(control(Ping(opaque: 1), .ping, id: 4))).fault == .controlMalformed)
    }

    @Test func theFirstFrameStandsAlone() {
        let two = WireLimits.magic + segment(control(Welcome(), .welcome) + healthReply(1))
        let run = run(two, inFlight: [1: .health])
        #expect(run.fault == .frameUnexpected)
        #expect(run.state.sink.welcomes.isEmpty)
    }

    @Test func compressionBeforeWelcomeIsRefused() {
        let bytes = WireLimits.magic + segment([1, 2, 3], rawByteCount: 500, isCompressed: true)
        #expect(run(bytes).fault == .compressionNotAgreed)
    }

    @Test func aSegmentAboveWhatHelloSaidIsRefused() {
        let bytes = welcome() + segment(frame(.ping, [UInt8](repeating: 0, count: 262_144)))
        #expect(run(bytes).fault == .segmentTooLarge)
    }

    @Test func connectionErrorIsToldOnceAndNothingAfterIt() {
        let error = segment(
            control(ConnectionErrorMessage(reason: 4, message: "version 1"), .connectionError, status: 48))
        let run = run(welcome() + error + error + segment(healthReply(1)), inFlight: [1: .health])
        #expect(run.fault == nil)
        #expect(run.state.phase == .closed)
        #expect(run.state.sink.errors.map(\.reason) == [4])
        #expect(run.state.sink.statuses == [.protocolError])
        #expect(run.state.sink.repliedIds.isEmpty)
    }

    @Test func controlMessagesOfAServerReachTheClient() {
        let goAway = GoAway(lastRequestId: 3, graceMilliseconds: 5, retryAfterMilliseconds: 6, message: "later")
        let run = run(
            welcome()
                + segment(
                    control(Ping(opaque: 8), .ping) + control(Ping(opaque: 9), .pong)
                        + control(goAway, .goAway, status: 14)))
        #expect(run.fault == nil)
        #expect(run.state.sink.pings == [8])
        #expect(run.state.sink.pongs == [9])
        #expect(run.state.sink.goAways == [goAway])
        #expect(run.state.sink.statuses == [.unavailable])
    }
}
