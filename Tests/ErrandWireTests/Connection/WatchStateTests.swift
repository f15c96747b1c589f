import ErrandCore
import ErrandWire
import Testing

/// What the states of both sides make of the control messages of watches (SPEC §7.7–§7.11).
@Suite(.timeLimit(.minutes(2)))
struct WatchStateTests {
    private static let ofServer: [Opcode] = [.events, .notify, .notifyNext, .watchEnded]

    private func server(
        _ bytes: [UInt8], greeted: Bool = true
    ) -> (fault: ConnectionFault?, state: TestServer) {
        var codec = SegmentCodec()
        var state = serverState()
        let fault = feed([((greeted ? opening() : WireLimits.magic) + bytes)[...]], to: &state, codec: &codec)
        return (fault, state)
    }

    private func client(
        _ bytes: [UInt8], calls: [UInt64: Opcode] = [1: .watch], watches: Set<UInt64> = [], greeted: Bool = true
    ) -> (fault: ConnectionFault?, state: TestClient) {
        var codec = SegmentCodec()
        var state = clientState(inFlight: calls, watches: watches)
        let welcome = greeted ? segment(control(Welcome(), .welcome)) : []
        let fault = feed([(WireLimits.magic + welcome + bytes)[...]], to: &state, codec: &codec)
        return (fault, state)
    }

    private func credit(_ credit: UInt32 = 1, id: UInt64 = 1, status: UInt8 = 0) -> [UInt8] {
        control(WatchCredit(credit: credit), .watchCredit, status: status, id: id)
    }

    private func ended(_ status: UInt8 = StatusCode.cancelled.rawValue, id: UInt64 = 1) -> [UInt8] {
        control(Failure(applied: .no, message: ""), .watchEnded, status: status, id: id)
    }

    /// The smallest whole message with that opcode.
    private func message(_ opcode: Opcode, id: UInt64 = 1, status: UInt8 = 0) -> [UInt8] {
        switch opcode {
        case .events: control(EventsMessage(revision: 5, events: []), opcode, status: status, id: id)
        case .notify:
            control(
                PendingJobExecutions(inProgressJobs: [], queuedJobs: [], totalCount: 0, nextToken: nil), opcode,
                status: status, id: id)
        case .notifyNext: frame(opcode, id: id, status: status)
        default: ended(status == 0 ? StatusCode.cancelled.rawValue : status, id: id)
        }
    }

    private func begun(_ id: UInt64 = 1, status: UInt8 = 0) -> [UInt8] {
        var writer = ByteWriter()
        if status == 0 {
            WatchBegun(revision: 4).writeBody(to: &writer)
            return frame(.watch, writer.bytes, id: id, flags: 1, words: 2)
        }
        Failure(applied: .no, message: "").writeBody(to: &writer)
        return frame(
            .watch, writer.bytes, id: id, flags: 1, status: status, words: UInt8(Failure.rootByteCount / 8))
    }

    // MARK: The server's side

    @Test func creditsAndEndsReachTheCalls() {
        let run = server(
            segment(credit(7, id: 3) + frame(.endWatch, id: 3) + credit(.max, id: .max) + credit(0, id: 0))
                + segment(frame(.endWatch, id: 0) + frame(.endWatch, id: 9)))
        #expect(run.fault == nil)
        #expect(run.state.calls.credits.map(\.credit) == [7, .max, 0])
        #expect(run.state.calls.creditedIds == [3, .max, 0])
        #expect(run.state.calls.endedIds == [3, 0, 9])
    }

    @Test(arguments: [true, false])
    func bothDrawOnTheControlBudget(_ lastIsCredit: Bool) {
        let half = segment((0..<500).flatMap { _ in credit() + frame(.endWatch, id: 1) }, hasChecksum: false)
        let one = segment(lastIsCredit ? credit() : frame(.endWatch, id: 1))
        let full = server(half)
        #expect(full.fault == nil)
        #expect(full.state.calls.creditedIds.count == 500)
        #expect(full.state.calls.endedIds.count == 500)
        #expect(server(half + one).fault == .controlFlood)
    }

    /// `CTL-1`: a client gives credit for what it has been sent, so what it has been sent pays for that.
    @Test func whatIsSentOfAWatchGivesABudgetBack() throws {
        var codec = SegmentCodec()
        var state = serverState()
        var stream = FrameStream()
        let all = segment((0..<1000).flatMap { _ in credit() }, hasChecksum: false)
        try stream.receive((opening() + all).span.bytes, codec: &codec, for: &state)
        for _ in 0..<3 {
            state.watchSent()
            try stream.receive(segment(credit()).span.bytes, codec: &codec, for: &state)
        }
        #expect(state.calls.credits.count == 1003)
        #expect(throws: ConnectionFault.controlFlood) {
            try stream.receive(segment(credit()).span.bytes, codec: &codec, for: &state)
        }
    }

    @Test func aDrainingServerStillTakesCreditsAndEnds() throws {
        var codec = SegmentCodec()
        var state = serverState()
        var stream = FrameStream()
        try stream.receive(opening().span.bytes, codec: &codec, for: &state)
        let isTold = state.goAway(graceMilliseconds: 5000, message: "stopping")
        #expect(isTold)
        try stream.receive(segment(credit(id: 2) + frame(.endWatch, id: 2)).span.bytes, codec: &codec, for: &state)
        #expect(state.calls.creditedIds == [2])
        #expect(state.calls.endedIds == [2])
    }

    @Test func aStatusOrFlagOrAnotherBodyIsRefused() {
        #expect(server(segment(credit(status: 1))).fault == .frameUnexpected)
        #expect(server(segment(frame(.endWatch, id: 1, status: 1))).fault == .frameUnexpected)
        #expect(
            server(segment(frame(.watchCredit, [1, 0, 0, 0, 0, 0, 0, 0], id: 1, flags: 1, words: 1))).fault
                == .frameUnexpected)
        #expect(server(segment(frame(.endWatch, id: 1, flags: 1))).fault == .frameUnexpected)
        #expect(server(segment(frame(.watchCredit, id: 1))).fault == .controlMalformed)
        #expect(
            server(segment(frame(.watchCredit, [1, 0, 0, 0, 1, 0, 0, 0], id: 1, words: 1))).fault == .controlMalformed)
        #expect(server(segment(frame(.endWatch, [0], id: 1))).fault == .controlMalformed)
    }

    @Test func creditBeforeHelloAndWhatOnlyAServerSendsAreRefused() {
        #expect(server(segment(credit()), greeted: false).fault == .frameUnexpected)
        #expect(server(segment(frame(.endWatch, id: 1)), greeted: false).fault == .frameUnexpected)
        for opcode in Self.ofServer {
            #expect(server(segment(message(opcode))).fault == .frameUnexpected, "\(opcode)")
        }
    }

    // MARK: The client's side

    @Test func aWatchLivesFromItsReplyToItsEnd() {
        let all = begun() + Self.ofServer.flatMap { message($0) }
        let run = client(segment(all))
        #expect(run.fault == nil)
        #expect(run.state.sink.ofWatches == Self.ofServer.map { WatchSighting(requestId: 1, opcode: $0) })
        #expect(run.state.sink.statuses == [.cancelled])
        #expect(run.state.sink.watches.isEmpty)
        for opcode in Self.ofServer {
            #expect(client(segment(all + message(opcode))).fault == .unrequestedReply, "\(opcode) after the end")
            #expect(client(segment(message(opcode) + begun())).fault == .unrequestedReply, "\(opcode) too early")
            #expect(
                client(segment(begun(status: 38) + message(opcode))).fault == .unrequestedReply, "\(opcode) refused")
        }
    }

    @Test(arguments: ofServer)
    func whatNamesNoWatchIsUnrequested(_ opcode: Opcode) {
        for id in [0, 2, UInt64.max] {
            #expect(client(segment(message(opcode, id: id)), watches: [1]).fault == .unrequestedReply)
        }
        let health = client(segment(healthReply(1) + message(opcode)), calls: [1: .health])
        #expect(health.fault == .unrequestedReply)
    }

    @Test func aStatusBelongsToTheEndOnly() {
        for opcode in Self.ofServer.dropLast() {
            #expect(client(segment(message(opcode, status: 4)), watches: [1]).fault == .frameUnexpected, "\(opcode)")
        }
        #expect(client(segment(ended(0)), watches: [1]).fault == .controlMalformed)
        for status: UInt8 in [4, 14, 39, 200] {
            #expect(client(segment(ended(status)), watches: [1]).fault == nil, "status \(status)")
        }
    }

    @Test func anEndSaysNothingOfAnExecution() {
        let state = JobExecutionState(
            status: .queued, versionNumber: 1, executionNumber: 1, statusDetails: StatusDetails())
        for failure in [
            Failure(applied: .yes, message: ""), Failure(applied: .unknown, message: ""),
            Failure(applied: .no, message: "", executionState: state),
        ] {
            let bytes = control(failure, .watchEnded, status: 4, id: 1)
            #expect(client(segment(bytes), watches: [1]).fault == .controlMalformed)
        }
    }

    /// FRAME_UNEXPECTED comes before what the body says, and that before whether there is such a watch.
    @Test func theFirstFaultIsTold() {
        #expect(client(segment(frame(.events, id: 7))).fault == .controlMalformed)
        #expect(client(segment(frame(.events, id: 7, status: 4))).fault == .frameUnexpected)
        #expect(client(segment(frame(.events, id: 7, flags: 1))).fault == .frameUnexpected)
    }

    @Test func whatOnlyAClientSendsAndWhatComesBeforeWelcomeAreRefused() {
        #expect(client(segment(credit()), watches: [1]).fault == .frameUnexpected)
        #expect(client(segment(frame(.endWatch, id: 1)), watches: [1]).fault == .frameUnexpected)
        for opcode in Self.ofServer {
            let run = client(segment(message(opcode)), watches: [1], greeted: false)
            #expect(run.fault == .frameUnexpected, "\(opcode)")
        }
    }

    @Test func revisionsThatDoNotRiseAreMalformed() {
        func event(_ revision: UInt64) -> JobExecutionEvent {
            JobExecutionEvent(
                revision: revision, atMilliseconds: 0, actor: .service, jobId: JobId(),
                subject: .jobDeleted(from: .inProgress))
        }
        for (revisions, revision, isWellFormed) in [
            ([3, 4], 4, true), ([3, 9], 12, true), ([3, 3], 4, false), ([4, 3], 4, false), ([3, 5], 4, false),
            ([0], 4, false),
        ] as [([UInt64], UInt64, Bool)] {
            let message = EventsMessage(revision: revision, events: revisions.map(event))
            let run = client(segment(control(message, .events, id: 1)), watches: [1])
            #expect(run.fault == (isWellFormed ? nil : .controlMalformed), "\(revisions) up to \(revision)")
        }
    }
}
