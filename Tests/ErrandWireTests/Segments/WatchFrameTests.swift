import ErrandCore
import ErrandWire
import Testing

/// How the encoder writes what a server sends of a watch.
@Suite(.timeLimit(.minutes(2)))
struct WatchFrameTests {
    private static let recordByteCount = 75
    private static let emptyFrameByteCount = 32

    private func encoder(_ byteCountMax: Int = 262_144) -> SegmentEncoder {
        SegmentEncoder(
            agreement: SegmentAgreement(compression: false, checksums: false), segmentByteCountMax: byteCountMax)
    }

    /// Records of 75 bytes whose revisions rise by 2.
    private func events(_ count: Int) throws -> [JobExecutionEvent] {
        let jobId = try JobId("job-1")
        return (0..<count).map { index in
            JobExecutionEvent(
                revision: UInt64(10 + 2 * index), atMilliseconds: 5, actor: .fleetOperator, jobId: jobId,
                subject: .job(from: nil, to: .inProgress))
        }
    }

    private func sealed(_ encoder: inout SegmentEncoder) throws -> [SplitSegment] {
        var output: [UInt8] = []
        encoder.seal(into: &output, with: Deflater())
        return try #require(SplitSegment.all(in: output))
    }

    private func decoded(_ bytes: [UInt8]) throws -> EventsMessage {
        let frame = try #require(Frame(bytes))
        #expect(frame.header.opcode == Opcode.events.rawValue)
        #expect(frame.header.requestId == 7)
        return try EventsMessage.read(frame.body.span.bytes, frame.header)
    }

    /// Appends all of `events`, frame by frame; how many each took.
    private func append(
        _ events: [JobExecutionEvent], upTo revision: UInt64, to encoder: inout SegmentEncoder
    ) -> [Int] {
        var counts: [Int] = []
        var rest = events
        repeat {
            let count = encoder.appendEvents(rest, revision: revision, requestId: 7)
            counts.append(count)
            rest.removeFirst(count)
        } while !rest.isEmpty && counts.last != 0
        return counts
    }

    @Test func withoutEventsItIsABookmark() throws {
        var encoder = encoder()
        let count = encoder.appendEvents([], revision: 41, requestId: 7)
        #expect(count == 0)
        let frames = try sealed(&encoder).flatMap(\.frames)
        #expect(frames.map(\.count) == [Self.emptyFrameByteCount])
        #expect(try decoded(frames[0]) == EventsMessage(revision: 41, events: []))
    }

    @Test func whatFitsGoesIntoOneFrameWithTheWholeRevision() throws {
        var encoder = encoder()
        let events = try events(3)
        #expect(append(events, upTo: 99, to: &encoder) == [3])
        let frames = try sealed(&encoder).flatMap(\.frames)
        #expect(frames.map(\.count) == [Self.emptyFrameByteCount + 3 * Self.recordByteCount])
        #expect(try decoded(frames[0]) == EventsMessage(revision: 99, events: events))
    }

    /// The frame that reaches the target is the last one of its segment, and a watch does not fill all of a turn.
    @Test func aFrameEndsWhereItReachesTheTargetOfASegment() throws {
        var encoder = encoder()
        let events = try events(2000)
        let each = (WireLimits.segmentByteCountTarget - Self.emptyFrameByteCount + 74) / Self.recordByteCount
        #expect(append(events, upTo: 10_000, to: &encoder) == [each, each, 2000 - 2 * each])
        try compare(try sealed(&encoder), events, upTo: 10_000)
    }

    @Test(arguments: [107, 181, 182, 1000, 65_536])
    func noFrameIsLargerThanTheReceiverTakes(_ byteCountMax: Int) throws {
        var encoder = encoder(byteCountMax)
        let events = try events(1500)
        let each = (byteCountMax - Self.emptyFrameByteCount) / Self.recordByteCount
        let counts = append(events, upTo: 10_000, to: &encoder)
        #expect(counts.dropLast().allSatisfy { $0 == each })
        let segments = try sealed(&encoder)
        #expect(segments.allSatisfy { $0.rawByteCount <= byteCountMax })
        try compare(segments, events, upTo: 10_000)
    }

    /// What the frames hold is all of `events`, and the revision of each is as `WAT-1` promises.
    private func compare(_ segments: [SplitSegment], _ events: [JobExecutionEvent], upTo revision: UInt64) throws {
        let messages = try segments.flatMap(\.frames).map { try decoded($0) }
        #expect(messages.flatMap(\.events) == events)
        #expect(messages.dropLast().allSatisfy { $0.revision == $0.events.last?.revision })
        #expect(messages.last?.revision == revision)
    }

    @Test func aLongFrameGoesBehindOthersIntoASegmentOfItsOwn() throws {
        // Room for the frame of 932 bytes, but not beside another.
        var encoder = encoder(950)
        encoder.appendWatchCredit(1, requestId: 7)
        let events = try events(12)
        #expect(append(events, upTo: 50, to: &encoder) == [12])
        let segments = try sealed(&encoder)
        try #require(segments.map(\.frames.count) == [1, 1])
        #expect(try decoded(segments[1].frames[0]) == EventsMessage(revision: 50, events: events))
    }

    /// A frame without it would claim that nothing happened.
    @Test func anEventThatDoesNotFitIsNoBookmark() throws {
        var encoder = encoder(100)
        #expect(encoder.appendEvents(try events(1), revision: 10, requestId: 7) == 0)
        #expect(encoder.isEmpty)
    }

    @Test func theLongestEventFitsTheSmallestSegment() throws {
        let value = String(repeating: "\u{1F69A}", count: FieldLimits.statusDetailsValueScalarCountMax)
        let pairs = (0..<FieldLimits.statusDetailsPairCountMax).map { index in
            (key: String(repeating: "\(index)", count: FieldLimits.statusDetailsKeyByteCountMax), value: value)
        }
        let event = JobExecutionEvent(
            revision: 3, atMilliseconds: 0, actor: .device,
            jobId: try JobId(String(repeating: "j", count: FieldLimits.jobIdByteCountMax)),
            subject: .execution(
                JobExecutionEventState(
                    thingName: try ThingName(String(repeating: "t", count: FieldLimits.thingNameByteCountMax)),
                    executionNumber: 1, versionNumber: 1, retryAttempt: 0, from: .queued, to: .inProgress,
                    forceCanceled: false, statusDetails: try StatusDetails(pairs))))
        var encoder = encoder(WireLimits.segmentByteCountMaxFloor)
        #expect(append([event], upTo: 3, to: &encoder) == [1])
    }

    // MARK: Notifications

    private func execution(document: Int, details: StatusDetails = StatusDetails()) throws -> JobExecution {
        JobExecution(
            jobId: try JobId("job-1"), thingName: try ThingName("thing-1"), executionNumber: 1, status: .queued,
            forceCanceled: false, statusDetails: details, queuedAtMilliseconds: 0, startedAtMilliseconds: nil,
            lastUpdatedAtMilliseconds: 0, versionNumber: 1, approximateSecondsBeforeTimedOut: nil, retryAttempt: 0,
            jobDocument: String(repeating: "d", count: document))
    }

    private func notified(_ execution: JobExecution, to encoder: inout SegmentEncoder) -> Bool {
        encoder.appendNotifyNext(requestId: 7) { includesDocument, writer in
            var shown = execution
            if !includesDocument { shown.jobDocument = nil }
            shown.write(to: &writer)
        }
    }

    private func head(_ bytes: [UInt8]) throws -> JobExecution? {
        let frame = try #require(Frame(bytes))
        #expect(frame.header.opcode == Opcode.notifyNext.rawValue)
        #expect(frame.header.requestId == 7)
        return try PossibleJobExecution.read(frame.body.span.bytes, frame.header).execution
    }

    @Test func theHeadGoesWithItsDocumentIfThatFits() throws {
        var execution = try execution(document: 800)
        var encoder = encoder(1000)
        #expect(notified(execution, to: &encoder))
        #expect(try head(try sealed(&encoder).flatMap(\.frames)[0]) == execution)
        execution.jobDocument = String(repeating: "d", count: 1000)
        #expect(notified(execution, to: &encoder))
        execution.jobDocument = nil
        let frames = try sealed(&encoder).flatMap(\.frames)
        #expect(frames.count == 1)
        #expect(try head(frames[0]) == execution)
    }

    @Test func aHeadThatDoesNotFitAtAllLeavesNoTrace() throws {
        let details = try StatusDetails([(key: "k", value: String(repeating: "v", count: 1000))])
        var encoder = encoder(1000)
        #expect(!notified(try execution(document: 10, details: details), to: &encoder))
        #expect(encoder.isEmpty)
    }

    @Test func nothingPendingIsAnEmptyBody() throws {
        var encoder = encoder()
        encoder.appendNotifyNothing(requestId: 7)
        let frames = try sealed(&encoder).flatMap(\.frames)
        #expect(frames == [frame(.notifyNext, id: 7)])
        #expect(try head(frames[0]) == nil)
    }

    @Test func theRestIsWrittenAsItsMessagesAre() throws {
        var maker = MessageMaker(generator: SeededGenerator(seed: 11))
        let pending = try maker.pending()
        var encoder = encoder()
        encoder.appendNotify(pending, requestId: 7)
        encoder.appendWatchEnded(.unavailable, message: "stopping", requestId: 8)
        encoder.appendWatchCredit(9, requestId: .max)
        encoder.appendEndWatch(requestId: 1)
        #expect(
            try sealed(&encoder).flatMap(\.frames) == [
                control(pending, .notify, id: 7),
                control(Failure(applied: .no, message: "stopping"), .watchEnded, status: 14, id: 8),
                control(WatchCredit(credit: 9), .watchCredit, id: .max), frame(.endWatch, id: 1),
            ])
    }
}
