import ErrandCore

/// What a durable store knows besides its jobs and executions.
struct StoreFacts {
    var lastJobNumber: UInt64 = 0
    var lastCreationNumber: UInt64 = 0
    /// Where the events of the journal begin: the newest revision that is not in it.
    var journalStartRevision: UInt64
    /// No execution that is not in memory has a greater one.
    var lastSequenceOfThings: UInt32 = 0
    /// Up to which record the remembered deletions are complete.
    var deletionsSequence: UInt64 = 0
    var deletions = RememberedOutcomes(countMax: ServerLimits.deletionKeyCountMin)

    static let name = "store"
    static let place = RecordPlace.fact("store")

    func append(to buffer: inout JournalBuffer) {
        buffer.append(lastJobNumber)
        buffer.append(lastCreationNumber)
        buffer.append(journalStartRevision)
        buffer.append(lastSequenceOfThings)
        buffer.append(deletionsSequence)
        buffer.append(deletions)
    }
}

extension StoreFacts {
    init(from reader: inout RecordReader) throws(StorageFault) {
        lastJobNumber = try reader.integer()
        lastCreationNumber = try reader.integer()
        journalStartRevision = try reader.integer()
        lastSequenceOfThings = try reader.integer()
        deletionsSequence = try reader.integer()
        // Numbers go up from these, and revisions do from that one.
        guard max(lastJobNumber, lastCreationNumber, deletionsSequence) < RecordReader.numberMax,
            journalStartRevision < UInt64.max >> 1, lastSequenceOfThings < UInt32.max >> 1
        else { throw reader.malformed("a number is too great") }
        try reader.outcomes(into: &deletions)
    }
}
