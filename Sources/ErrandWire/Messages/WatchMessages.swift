package import ErrandCore

extension WatchRequest: RequestMessage {
    package typealias Reply = WatchBegun
    package static let opcode = Opcode.watch
    package static let isMutation = false
    package static let rootByteCount = 32

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(
                presence(1, when: fromRevision != nil) | presence(2, when: scope.jobId != nil)
                    | presence(3, when: scope.thingName != nil), at: 0)
            root.store(fromRevision, at: 8)
            root.store(credit, at: 16)
            root.store(scope.number, at: 20)
        }
        writer.appendName(scope.jobId ?? JobId())
        writer.appendName(scope.thingName ?? ThingName())
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b1111)
        try reader.requireZero(21..<32)
        let number = reader.root(20, as: UInt8.self)
        guard WatchScope.numbers.contains(number) else { throw .malformed("no scope has number \(number)") }
        let jobId = try reader.optionalJobId(bit: 2)
        let thingName = try reader.optionalThingName(bit: 3)
        let fromRevision = reader.optional(8, bit: 1, as: UInt64.self)
        let scope = WatchScope(number: number, jobId: jobId, thingName: thingName)
        if scope == nil { reader.note(InvalidField("scope", "\(number) does not go with the names given")) }
        if case .queue = scope, fromRevision != nil {
            reader.note(InvalidField("fromRevision", "cannot be given with scope queue"))
        }
        try reader.finish()
        self.init(
            scope: scope ?? .everything, fromRevision: fromRevision, credit: reader.root(16, as: UInt32.self))
    }
}

extension WatchScope {
    fileprivate static let numbers: ClosedRange<UInt8> = 1...5

    fileprivate var number: UInt8 {
        switch self {
        case .everything: 1
        case .job: 2
        case .thing: 3
        case .execution: 4
        case .queue: 5
        }
    }

    /// Nothing if the names are not those that the scope needs (SPEC §9.23).
    fileprivate init?(number: UInt8, jobId: JobId?, thingName: ThingName?) {
        switch (number, jobId, thingName) {
        case (1, nil, nil): self = .everything
        case (2, let jobId?, nil): self = .job(jobId)
        case (3, nil, let thingName?): self = .thing(thingName)
        case (4, let jobId?, let thingName?): self = .execution(jobId, thingName)
        case (5, nil, let thingName?): self = .queue(thingName)
        default: return nil
        }
    }

    fileprivate var jobId: JobId? {
        switch self {
        case .job(let jobId), .execution(let jobId, _): jobId
        case .everything, .thing, .queue: nil
        }
    }

    fileprivate var thingName: ThingName? {
        switch self {
        case .thing(let thingName), .execution(_, let thingName), .queue(let thingName): thingName
        case .everything, .job: nil
        }
    }
}

extension MessageReader {
    fileprivate mutating func optionalJobId(bit: Int) throws(MessageFault) -> JobId? {
        if isPresent(bit) { return try jobId() }
        guard try text16().isEmpty else { throw .malformed("jobId has bytes but its presence bit is not set") }
        return nil
    }

    fileprivate mutating func optionalThingName(bit: Int) throws(MessageFault) -> ThingName? {
        if isPresent(bit) { return try thingName() }
        guard try text16().isEmpty else { throw .malformed("thingName has bytes but its presence bit is not set") }
        return nil
    }
}

/// Reply of Watch (SPEC §9.23): the watch begins behind this revision.
package struct WatchBegun: Message, ReplyMessage, Equatable {
    package var revision: UInt64

    package init(revision: UInt64) { self.revision = revision }

    package static let rootByteCount = 16

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in root.store(revision, at: 8) }
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0)
        try reader.requireZero(4..<8)
        revision = reader.root(8, as: UInt64.self)
        try reader.finish()
    }
}

/// What a watch has seen (SPEC §7.7).
package struct EventsMessage: Message, ReplyMessage, Equatable {
    /// The watch has been sent everything up to here.
    package var revision: UInt64
    package var events: [JobExecutionEvent]

    package init(revision: UInt64, events: [JobExecutionEvent]) {
        self.revision = revision
        self.events = events
    }

    package static let rootByteCount = 16

    package func writeBody(to writer: inout ByteWriter) {
        Self.writeRoot(revision: revision, count: events.count, to: &writer)
        for event in events { writer.appendRecord(event) }
    }

    fileprivate static func writeRoot(revision: UInt64, count: Int, to writer: inout ByteWriter) {
        writer.appendRoot(rootByteCount) { root in
            root.store(UInt32(truncatingIfNeeded: count), at: 4)
            root.store(revision, at: 8)
        }
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0)
        revision = reader.root(8, as: UInt64.self)
        events = try reader.records(reader.root(4, as: UInt32.self))
        try reader.finish()
        var last: UInt64 = 0
        for event in events {
            guard event.revision > last, event.revision <= revision else {
                throw .malformed("revision \(event.revision) does not rise, or is above the frame's")
            }
            last = event.revision
        }
    }
}

/// SPEC §7.10; the frame's header names the watch.
package struct WatchCredit: Message, Equatable {
    package var credit: UInt32

    package init(credit: UInt32) { self.credit = credit }

    package static let rootByteCount = 8

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in root.store(credit, at: 0) }
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        credit = reader.root(0, as: UInt32.self)
        try reader.requireZero(4..<8)
        try reader.finish()
    }
}

/// SPEC §7.11; the frame's header names the watch.
package struct EndWatch: Message, Equatable {
    package init() {}

    package static let rootByteCount = 0

    package func writeBody(to writer: inout ByteWriter) {}

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.finish()
    }
}

extension SegmentEncoder {
    /// Appends one EVENTS frame with as many of `events`, from the first on, as fit into it and into about one segment;
    /// without events it is a bookmark. Returns how many it took: its revision is then that of the last one taken, and
    /// `revision` if it took all. Nothing is written if not even the first event fits.
    package mutating func appendEvents(
        _ events: borrowing [JobExecutionEvent], revision: UInt64, requestId: UInt64
    ) -> Int {
        beginFrame(Opcode.events.rawValue, rootByteCount: EventsMessage.rootByteCount, requestId: requestId)
        EventsMessage.writeRoot(revision: revision, count: 0, to: &body)
        var count = 0
        for index in events.indices {
            let before = body.bytes.count
            body.appendRecord(events[index])
            if openFrameByteCount > segmentByteCountMax {
                // An event too long by itself stays, so that `endFrame` drops the frame: an empty one would be a
                // bookmark, whose revision promises what was not sent (`WAT-1`).
                if count > 0 { body.truncate(to: before) }
                break
            }
            count += 1
            if openFrameByteCount >= WireLimits.segmentByteCountTarget { break }
        }
        let reached = count == events.count ? revision : count == 0 ? 0 : events[count - 1].revision
        let start = openFrameBodyStart
        body.withMutableBytes { bytes in
            bytes.storeLittleEndian(UInt32(truncatingIfNeeded: count), at: start + 4)
            bytes.storeLittleEndian(reached, at: start + 8)
        }
        _ = endFrame()
        return count
    }

    /// Appends NOTIFY (SPEC §7.8).
    package mutating func appendNotify(_ pending: PendingJobExecutions, requestId: UInt64) {
        appendOfWatch(pending, .notify, requestId: requestId)
    }

    /// Appends NOTIFY_NEXT (SPEC §7.8): `write` writes the body of the head, with its document or without. False if
    /// not even the one without fits.
    package mutating func appendNotifyNext(
        requestId: UInt64, _ write: (_ includesDocument: Bool, inout ByteWriter) -> Void
    ) -> Bool {
        for includesDocument in [true, false] {
            beginFrame(
                Opcode.notifyNext.rawValue, rootByteCount: JobExecutionBody.rootByteCount, requestId: requestId)
            write(includesDocument, &body)
            if endFrame() { return true }
        }
        return false
    }

    /// Appends a NOTIFY_NEXT that says that nothing is pending.
    package mutating func appendNotifyNothing(requestId: UInt64) {
        beginFrame(Opcode.notifyNext.rawValue, rootByteCount: 0, requestId: requestId)
        _ = endFrame()
    }

    /// Appends WATCH_ENDED (SPEC §7.9).
    package mutating func appendWatchEnded(_ status: StatusCode, message: String, requestId: UInt64) {
        appendOfWatch(Failure(applied: .no, message: message), .watchEnded, status: status, requestId: requestId)
    }

    /// Appends WATCH_CREDIT (SPEC §7.10).
    package mutating func appendWatchCredit(_ credit: UInt32, requestId: UInt64) {
        appendOfWatch(WatchCredit(credit: credit), .watchCredit, requestId: requestId)
    }

    /// Appends END_WATCH (SPEC §7.11).
    package mutating func appendEndWatch(requestId: UInt64) {
        beginFrame(Opcode.endWatch.rawValue, rootByteCount: EndWatch.rootByteCount, requestId: requestId)
        _ = endFrame()
    }

    private mutating func appendOfWatch(
        _ message: some Message, _ opcode: Opcode, status: StatusCode = .ok, requestId: UInt64
    ) {
        beginFrame(
            opcode.rawValue, status: status, rootByteCount: type(of: message).rootByteCount, requestId: requestId)
        message.writeBody(to: &body)
        _ = endFrame()
    }
}
