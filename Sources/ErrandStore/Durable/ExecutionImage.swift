import ErrandCore

/// One execution as it is written: in its row, and in each record of a change as what it has become.
struct ExecutionImage {
    var record: ExecutionRecord
    /// See `ExecutionSlot`.
    var sequence: UInt32
    var startSequence: UInt32

    private static let never = Int64.max

    func append(to buffer: inout JournalBuffer) {
        Self.append(record, sequence: sequence, startSequence: startSequence, to: &buffer)
    }

    static func append(
        _ record: borrowing ExecutionRecord, sequence: UInt32, startSequence: UInt32, to buffer: inout JournalBuffer
    ) {
        buffer.append(record.executionNumber)
        buffer.append(record.versionNumber)
        buffer.append(record.queuedAtMilliseconds)
        buffer.append(record.lastUpdatedAtMilliseconds)
        buffer.append(record.startedAtMilliseconds ?? never)
        buffer.append(record.inProgressDeadlineMilliseconds ?? never)
        buffer.append(record.stepDeadlineMilliseconds ?? never)
        buffer.append(record.status.rawValue)
        buffer.append(flag: record.forceCanceled)
        buffer.append(record.retryAttempt)
        buffer.append(record.retriesAfterFailed)
        buffer.append(sequence)
        buffer.append(startSequence)
        buffer.append(record.statusDetails)
    }

}

extension ExecutionImage {
    init(from reader: inout RecordReader) throws(StorageFault) {
        let (number, version) = (try reader.count(), try reader.count())
        let (queuedAt, updatedAt) = (try reader.integer(Int64.self), try reader.integer(Int64.self))
        var record = ExecutionRecord(executionNumber: number, queuedAtMilliseconds: queuedAt)
        record.versionNumber = version
        record.lastUpdatedAtMilliseconds = updatedAt
        record.startedAtMilliseconds = Self.time(try reader.integer())
        record.inProgressDeadlineMilliseconds = Self.time(try reader.integer())
        record.stepDeadlineMilliseconds = Self.time(try reader.integer())
        record.status = try reader.status()
        record.forceCanceled = try reader.flag()
        record.retryAttempt = try reader.integer()
        record.retriesAfterFailed = try reader.byte()
        sequence = try reader.integer()
        startSequence = try reader.integer()
        record.statusDetails = try reader.details()
        guard record.retryAttempt < UInt16.max, record.retriesAfterFailed <= record.retryAttempt,
            max(sequence, startSequence) < UInt32.max >> 1
        else {
            throw reader.malformed("a number is out of range")
        }
        self.record = record
    }

    private static func time(_ value: Int64) -> Int64? { value == never ? nil : value }
}

/// An execution's whole row: the image, what it remembers, and the sequence of the last record that it shows.
struct ExecutionRowBody {
    var lastSequence: UInt64
    var image: ExecutionImage
    var newestChange = ExecutionLog.NewestChange()
    var log: ExecutionLog
    var calls: RememberedCalls

    static func append(_ slot: borrowing ExecutionSlot, to buffer: inout JournalBuffer) {
        buffer.append(slot.lastSequence)
        ExecutionImage.append(
            slot.record, sequence: slot.sequence, startSequence: slot.startSequence, to: &buffer)
        buffer.append(slot.newestChange.stored)
        buffer.append(sized: slot.log.stored.span.bytes)
        buffer.append(sized: slot.calls.stored.span.bytes)
    }

}

extension ExecutionRowBody {
    init(_ body: RawSpan, place: RecordPlace) throws(StorageFault) {
        var reader = RecordReader(body, place: place)
        lastSequence = try reader.integer()
        image = try ExecutionImage(from: &reader)
        guard let newestChange = ExecutionLog.NewestChange(stored: try reader.integer()) else {
            throw reader.malformed("no such change")
        }
        guard let log = ExecutionLog(stored: try reader.sizedBytes()) else { throw reader.malformed("no history") }
        guard let calls = RememberedCalls(stored: try reader.sizedBytes()) else { throw reader.malformed("no keys") }
        // The first report that is refused has the newest change written down before it.
        guard newestChange.isEmpty || !log.hasRefusedReports else { throw reader.malformed("a change after the end") }
        self.newestChange = newestChange
        self.log = log
        self.calls = calls
    }
}
