import ErrandCore

typealias HistoryActor = JobExecutionHistoryEntry.Actor

/// What happened to one execution between its birth and its newest change, in one buffer that exists only when something
/// did.
///
/// Bounded: the first entries and the most recent ones stay, those between them are dropped and counted; of the
/// reports refused after the end only the most recent stay, so that a device that keeps repeating itself cannot push
/// out what really happened. Neither the birth nor, before a report is refused, the newest change is stored: the record
/// says all of them but what is in `NewestChange`.
struct ExecutionLog {
    /// A header of 6 bytes (entries, refused ones among them, and the next ordinal), then the entries: the byte count
    /// of the rest, ordinal, kind and actor, from and to, time, version, count of details, details.
    private var bytes: ContiguousArray<UInt8> = []
    private static let headerByteCount = 6

    init() {}

    /// What a row holds of it.
    var stored: ContiguousArray<UInt8> { bytes }

    /// Nothing if these are no bytes of a log.
    init?(stored: RawSpan) {
        guard !stored.isEmpty else { return }
        guard stored.byteCount >= Self.headerByteCount else { return nil }
        var check = CompactCheck(stored)
        let (count, statedRefusedCount) = (Int(check.byte()), Int(check.byte()))
        check.skip(to: Self.headerByteCount)
        var refusedCount = 0
        var isInOrder = true
        let isSequence = check.isSequence(count: count, fixedByteCount: 0) { fields in
            _ = fields.varint()
            if fields.byte() >> 4 == JobExecutionHistoryEntry.Kind.refusedReport.rawValue {
                refusedCount += 1
            } else if refusedCount > 0 {
                isInOrder = false
            }
            _ = (fields.byte(), fields.varint(), fields.varint())
            return fields.byte()
        }
        // What is dropped when more comes is found by these counts: refused reports stand behind all changes.
        guard isSequence, isInOrder, refusedCount == statedRefusedCount,
            refusedCount <= ServerLimits.historyRefusedReportCount,
            count - refusedCount <= ServerLimits.historyFirstChangeCount + ServerLimits.historyLastChangeCount
        else { return nil }
        bytes = ContiguousArray(copying: stored)
    }

    struct Event {
        var kind = JobExecutionHistoryEntry.Kind.change
        var actor: HistoryActor
        var at: Int64
        var from: JobExecutionStatus
        var to: JobExecutionStatus
        var version: Int64
    }

    /// An entry and its place in the history, the birth being 0.
    struct NumberedEntry {
        var ordinal: UInt32
        var entry: JobExecutionHistoryEntry
    }

    /// Who brought about what the record shows, and from which status, in one byte: with the record this is the entry of
    /// the newest change. Empty if there was no change, or if its entry is in the log.
    struct NewestChange: BitwiseCopyable {
        private(set) var stored: UInt8 = 0

        init() {}

        /// Nothing if this is no byte of a change.
        init?(stored: UInt8) {
            self.stored = stored
            guard stored != 0 else { return }
            guard HistoryActor(rawValue: stored & 0xF) != nil,
                let from = JobExecutionStatus(rawValue: stored >> 4), !from.isTerminal
            else { return nil }
        }

        init(by actor: HistoryActor, from: JobExecutionStatus) { stored = from.rawValue << 4 | actor.rawValue }

        var isEmpty: Bool { stored == 0 }

        /// What the record has become by it.
        func event(_ facts: ExecutionFacts) -> Event {
            Event(
                actor: HistoryActor(rawValue: stored & 0xF) ?? .service, at: facts.lastUpdatedAtMilliseconds,
                from: JobExecutionStatus(rawValue: stored >> 4) ?? .queued, to: facts.status,
                version: facts.versionNumber)
        }
    }

    mutating func append(_ event: Event, details: borrowing StatusDetails, queuedAt: Int64) {
        let fields = fields(of: event, detailsCount: details.count, queuedAt: queuedAt)
        let byteCount = UInt64(fields.count + details.flat.count)
        if bytes.isEmpty { begin(roomFor: Self.entryByteCount(byteCount)) }
        bytes.append(varint: byteCount)
        bytes.append(fields)
        bytes.append(copying: details.flat.span.bytes)
        nextOrdinal = nextOrdinal &+ 1
        bytes[0] += 1
        if event.kind == .refusedReport { bytes[1] += 1 }
        trim()
    }

    /// Makes room for the newest change, which is not in the log: it counts as if it were.
    mutating func makeRoom(for event: Event, details: borrowing StatusDetails, queuedAt: Int64) {
        guard !bytes.isEmpty else { return }
        let fields = fields(of: event, detailsCount: details.count, queuedAt: queuedAt)
        trim(newestCount: 1, newestByteCount: Self.entryByteCount(UInt64(fields.count + details.flat.count)))
    }

    /// What stands before the details of the next entry.
    private func fields(of event: Event, detailsCount: Int, queuedAt: Int64) -> CompactBytes {
        let (delta, overflows) = event.at.subtractingReportingOverflow(queuedAt)
        var fields = CompactBytes()
        fields.append(varint: UInt64(nextOrdinal))
        fields.append(event.kind.rawValue << 4 | event.actor.rawValue)
        fields.append(event.from.rawValue << 4 | event.to.rawValue)
        fields.append(varint: overflows ? UInt64(Int64.max) : UInt64(max(0, delta)))
        fields.append(varint: UInt64(bitPattern: event.version))
        fields.append(UInt8(detailsCount))
        return fields
    }

    /// Of an entry with its own byte count.
    private static func entryByteCount(_ byteCount: UInt64) -> Int {
        ContiguousArray.varintByteCount(byteCount) + Int(byteCount)
    }

    /// Whether a report was refused after the end.
    var hasRefusedReports: Bool { !bytes.isEmpty && bytes[1] > 0 }

    /// How many entries are gone.
    var droppedCount: UInt32 { bytes.isEmpty ? 0 : nextOrdinal &- 1 &- UInt32(bytes[0]) }

    /// What is stored, the oldest first.
    func entries(queuedAt: Int64) -> [NumberedEntry] {
        guard !bytes.isEmpty else { return [] }
        var entries: [NumberedEntry] = []
        var reader = CompactReader(bytes, at: Self.headerByteCount)
        while !reader.isAtEnd {
            let byteCount = Int(reader.varint())
            let end = reader.offset + byteCount
            let ordinal = UInt32(truncatingIfNeeded: reader.varint())
            let tag = reader.byte()
            let statuses = reader.byte()
            let at = reader.time(since: queuedAt)
            let version = Int64(bitPattern: reader.varint())
            let detailsCount = Int(reader.byte())
            entries.append(
                NumberedEntry(
                    ordinal: ordinal,
                    entry: JobExecutionHistoryEntry(
                        kind: JobExecutionHistoryEntry.Kind(rawValue: tag >> 4) ?? .change,
                        actor: HistoryActor(rawValue: tag & 0xF) ?? .service, atMilliseconds: at,
                        fromStatus: JobExecutionStatus(rawValue: statuses >> 4),
                        toStatus: JobExecutionStatus(rawValue: statuses & 0xF) ?? .queued, versionNumber: version,
                        statusDetails: reader.details(count: detailsCount, to: end))))
        }
        return entries
    }

    /// The newest change of `record`, if its entry is not stored.
    func newest(_ change: NewestChange, _ record: ExecutionRecord) -> [NumberedEntry] {
        guard !change.isEmpty else { return [] }
        let event = change.event(record.facts)
        return [
            NumberedEntry(
                ordinal: nextOrdinal,
                entry: JobExecutionHistoryEntry(
                    kind: event.kind, actor: event.actor, atMilliseconds: event.at, fromStatus: event.from,
                    toStatus: event.to, versionNumber: event.version, statusDetails: record.statusDetails))
        ]
    }

    private mutating func begin(roomFor entryByteCount: Int) {
        bytes.reserveCapacity(Self.headerByteCount + entryByteCount)
        bytes.append(contentsOf: [0, 0, 1, 0, 0, 0])
    }

    /// Of the next entry, also if that is the newest change and is not stored.
    private(set) var nextOrdinal: UInt32 {
        get {
            guard !bytes.isEmpty else { return 1 }
            return UInt32(bytes[2]) | UInt32(bytes[3]) << 8 | UInt32(bytes[4]) << 16 | UInt32(bytes[5]) << 24
        }
        set { for index in 0..<4 { bytes[2 + index] = UInt8(truncatingIfNeeded: newValue >> (8 * UInt32(index))) } }
    }

    /// `newestCount` is 1 if the newest change is not in the log.
    private mutating func trim(newestCount: Int = 0, newestByteCount: Int = 0) {
        let changeCountMax = ServerLimits.historyFirstChangeCount + ServerLimits.historyLastChangeCount
        if Int(bytes[1]) > ServerLimits.historyRefusedReportCount {
            dropFirstRefused()
        } else if storedChangeCount + newestCount > changeCountMax {
            drop(ServerLimits.historyFirstChangeCount)
        }
        while bytes.count + newestByteCount > ServerLimits.historyByteCountMax, bytes[0] > 0,
            Int(bytes[0]) + newestCount > 1
        {
            let changeCount = storedChangeCount + newestCount
            // The last change and the newest entry stay as long as they can.
            if bytes[1] > 1 || changeCount == 0 || storedChangeCount == 0 {
                dropFirstRefused()
            } else {
                drop(min(ServerLimits.historyFirstChangeCount, max(0, changeCount - 2)))
            }
        }
    }

    private var storedChangeCount: Int { Int(bytes[0] - bytes[1]) }

    private mutating func dropFirstRefused() {
        drop(storedChangeCount)
        bytes[1] -= 1
    }

    private mutating func drop(_ index: Int) {
        var reader = CompactReader(bytes, at: Self.headerByteCount)
        var start = reader.offset
        var end = start
        for _ in 0...index {
            start = end
            let byteCount = Int(reader.varint())
            end = reader.offset + byteCount
            reader.skip(to: end)
        }
        bytes[0] -= 1
        reader = CompactReader([], at: 0)
        bytes.removeSubrange(start..<end)
    }
}
