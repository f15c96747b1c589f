/// From which record of the journal on the events are wanted.
///
/// Records that the tables hold are read for their events only, and of these the feed keeps the newest. So what is before
/// these is not read at all: where they begin is found by the revisions in the records' heads, which rise with sequences.
struct EventStart {
    /// Records after this one are read, at the latest those behind the checkpoint.
    private(set) var sequence: UInt64
    /// The newest that no record has which is read; nothing if reading begins where the journal does.
    private(set) var revision: UInt64?
    /// Events of lesser revisions are not kept.
    private(set) var firstKept: UInt64 = 0

    /// How many of the last groups are looked at for one that has an event.
    private static let lastGroupCount = 16

    /// `countMax`: how many events are kept.
    init(in database: JournalDatabase, keeping countMax: UInt64) throws(StorageFault) {
        sequence = database.journalStart
        guard let newest = try Self.newestRevision(in: database), newest > countMax else { return }
        firstKept = newest - countMax + 1
        // The last group that begins with an event that may go, or the first that may not.
        var (low, high) = (database.journalStart + 1, database.checkpointSequence)
        while low <= high {
            let middle = low + (high - low) / 2
            // Where a group is missing, reading begins before it and comes to the gap, which may reach beyond the checkpoint.
            guard let group = try Self.group(of: middle, in: database), group.start < middle else { return }
            if let found = group.revisions?.lowerBound, found <= firstKept {
                (sequence, revision) = (group.start, found - 1)
                low = max(group.last, middle) + 1
            } else {
                guard group.start >= low else { return }
                high = min(group.start, middle - 1)
            }
        }
    }

    private struct Group {
        /// The record before its first one, or before the first that is in the journal.
        var start: UInt64
        var last: UInt64
        /// Of its first event to at least that of its last one; nothing if it has none.
        var revisions: ClosedRange<UInt64>?
    }

    private static func newestRevision(in database: JournalDatabase) throws(StorageFault) -> UInt64? {
        var sequence = database.lastSequence
        for _ in 0..<lastGroupCount where sequence > database.journalStart {
            guard let group = try group(of: sequence, in: database) else { return nil }
            if let revisions = group.revisions { return revisions.upperBound }
            sequence = min(group.start, sequence - 1)
        }
        return nil
    }

    private static func group(of sequence: UInt64, in database: JournalDatabase) throws(StorageFault) -> Group? {
        var found: Group?
        try database.group(of: sequence) { (first, last, records) throws(StorageFault) in
            var group = Group(start: max(first, database.journalStart + 1) - 1, last: last)
            try JournalRecords.forEach(first: first, last: last, in: records) { (number, record) throws(StorageFault) in
                guard number > group.start, let revision = RecordHead.revision(of: record) else { return }
                let lowest = min(group.revisions?.lowerBound ?? revision, revision)
                group.revisions = lowest...max(lowest, revision)
            }
            found = group
        }
        return found
    }
}

/// How every record begins that can have events.
enum RecordHead {
    /// Of the first event; nothing if there is none, or if these are no bytes of a record. What is wrong with it is found
    /// out when it is read.
    static func revision(of record: RawSpan) -> UInt64? {
        var reader = RecordReader(record, place: .sequence(0))
        guard let kind = (try? reader.byte()).flatMap({ RecordKind(rawValue: $0) }), kind != .deletionSettled,
            let revision = try? reader.integer(UInt64.self), 1..<(UInt64.max >> 1) ~= revision
        else { return nil }
        return revision
    }
}
