import ErrandCore

/// One record while it is replayed.
struct RecordReplay {
    let sequence: UInt64
    let revision: UInt64
    let identity: JobIdentity
    var job: StoredJob?
    let isInTables: Bool
    /// Whether anybody may still ask for its events.
    let keepsEvents: Bool
    /// What it says to those who watch, the first with `revision`; only if they are kept.
    private(set) var events: [FeedEvent] = []
    private(set) var eventCount: UInt64 = 0
    private var isForced = false

    init(
        sequence: UInt64, revision: UInt64, identity: JobIdentity, job: StoredJob?, isInTables: Bool, keepsEvents: Bool
    ) {
        self.sequence = sequence
        self.revision = revision
        self.identity = identity
        self.job = job
        self.isInTables = isInTables
        self.keepsEvents = keepsEvents
    }

    /// For an execution that was just made from the same record.
    init(again replay: RecordReplay) {
        self = replay
        isForced = true
    }

    mutating func tell(_ event: (JobIdentity) -> FeedEvent) {
        if keepsEvents { events.append(event(identity)) }
        eventCount += 1
    }

    mutating func tell(jobEventFrom reader: inout RecordReader) throws(StorageFault) {
        let event = try JobEvent(from: &reader)
        tell { event.event(of: $0) }
    }

    /// The job, if the record is to change anything; nothing of a job that is gone.
    var wanted: StoredJob? { isInTables ? nil : job }

    func malformed(_ what: String) -> StorageFault { .damaged(what, at: "journal, sequence \(sequence)") }

    /// Whether what shows the records up to `shown` does not show this one.
    func isNews(_ shown: UInt64) -> Bool { isForced || sequence > shown }
}
