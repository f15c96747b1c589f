import ErrandCore
import ErrandWire
import Testing

/// How many events a frame of EVENTS takes, and what its revision promises (SPEC §7.7).
@Suite(.timeLimit(.minutes(2)))
struct EventsFrameTests {
    /// Pushes as the server does, frame by frame, until all are sent or one does not fit.
    private func push(
        _ events: [JobExecutionEvent], revision: UInt64, segmentByteCountMax: Int
    ) throws -> (counts: [Int], frames: [EventsMessage], segmentByteCounts: [Int]) {
        var encoder = SegmentEncoder(
            agreement: SegmentAgreement(compression: false, checksums: false),
            segmentByteCountMax: segmentByteCountMax)
        var rest = events
        var counts: [Int] = []
        repeat {
            let count = encoder.appendEvents(rest, revision: revision, requestId: 9)
            counts.append(count)
            if count == 0 { break }
            rest.removeFirst(count)
        } while !rest.isEmpty
        var output: [UInt8] = []
        encoder.seal(into: &output, with: Deflater())
        let segments = try #require(SplitSegment.all(in: output))
        let frames = try segments.flatMap(\.frames).map { bytes in
            let frame = try #require(Frame(bytes))
            #expect(frame.header.opcode == Opcode.events.rawValue)
            #expect(frame.header.requestId == 9)
            return try EventsMessage.read(frame.body.span.bytes, frame.header)
        }
        return (counts, frames, segments.map(\.rawByteCount))
    }

    private func event(_ revision: UInt64, valueScalarCount: Int = 0) throws -> JobExecutionEvent {
        let value = String(repeating: "🚚", count: valueScalarCount)
        let pairs = valueScalarCount == 0 ? [] : (0..<10).map { (key: "key\($0)", value: value) }
        return JobExecutionEvent(
            revision: revision, atMilliseconds: 1, actor: .device, jobId: try JobId("job"),
            subject: .execution(
                JobExecutionEventState(
                    thingName: try ThingName("thing"), executionNumber: 1, versionNumber: 2, retryAttempt: 0,
                    from: .queued, to: .inProgress, forceCanceled: false, statusDetails: try StatusDetails(pairs))))
    }

    @Test func aFrameWithoutEventsIsABookmark() throws {
        let pushed = try push([], revision: 77, segmentByteCountMax: 65_536)
        #expect(pushed.counts == [0])
        #expect(pushed.frames == [EventsMessage(revision: 77, events: [])])
    }

    @Test func aFrameThatTookAllPromisesTheRevisionGiven() throws {
        let events = try [3, 5].map { try event($0) }
        let pushed = try push(events, revision: 9, segmentByteCountMax: 65_536)
        #expect(pushed.frames == [EventsMessage(revision: 9, events: events)])
    }

    @Test(arguments: [65_536, 262_144])
    func manyEventsGoInFramesThatPromiseWhatTheyHold(_ segmentByteCountMax: Int) throws {
        let events = try (1...3000).map { try event(UInt64($0) * 2) }
        let pushed = try push(events, revision: 9999, segmentByteCountMax: segmentByteCountMax)
        #expect(pushed.frames.count > 2)
        #expect(pushed.frames.flatMap(\.events) == events)
        #expect(pushed.frames.dropLast().allSatisfy { $0.revision == $0.events.last?.revision })
        #expect(pushed.frames.last?.revision == 9999)
        #expect(pushed.counts == pushed.frames.map(\.events.count))
        #expect(pushed.segmentByteCounts.allSatisfy { $0 <= segmentByteCountMax })
    }

    /// The smallest segments that a peer may insist on take the longest event that there can be (SPEC §12).
    @Test func theLongestEventFitsTheSmallestSegment() throws {
        let scalars = FieldLimits.statusDetailsValueScalarCountMax
        let events = try [1, 2].map { try event($0, valueScalarCount: scalars) }
        let pushed = try push(events, revision: 2, segmentByteCountMax: WireLimits.segmentByteCountMaxFloor)
        #expect(pushed.counts == [1, 1])
        #expect(pushed.frames.map(\.revision) == [1, 2])
    }

    @Test func anEventThatDoesNotFitIsNoBookmark() throws {
        let pushed = try push([event(1, valueScalarCount: 1024)], revision: 1, segmentByteCountMax: 4096)
        #expect(pushed.counts == [0])
        #expect(pushed.frames.isEmpty)
    }
}
