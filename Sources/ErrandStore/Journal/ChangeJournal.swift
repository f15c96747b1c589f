/// Where a store records the changes that must survive the process.
protocol ChangeJournal: Sendable {
    /// Appends one record and returns its sequence, which is greater than all before. `revision` is the newest that any
    /// watch may be shown once this record is durable. Called under the locks of the store: it neither waits nor makes a
    /// system call.
    func append(upTo revision: UInt64, _ write: (inout JournalBuffer) -> Void) -> UInt64
}

extension GroupCommitter: ChangeJournal {
    func append(upTo revision: UInt64, _ write: (inout JournalBuffer) -> Void) -> UInt64 {
        append(mark: revision, write)
    }
}
