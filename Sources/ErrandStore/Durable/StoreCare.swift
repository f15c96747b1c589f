internal import ErrandCore
internal import Synchronization

/// Looking after a store that nobody serves from.
package enum StoreCare {
    package struct Found: Sendable {
        package var statistics: JournalDatabase.Statistics
        package var faults: [StorageFault]
    }

    /// Every page, row and checksum, and then the state as a start would put it together.
    package static func check(directory: String) throws(StorageFault) -> Found {
        let database = try JournalDatabase.open(directory: directory, create: false)
        var faults = database.verify()
        var statistics = database.statistics()
        if faults.isEmpty {
            do throws(StorageFault) {
                let state = try readState(database)
                statistics.jobCount = state.jobCount
                statistics.openExecutionCount = state.open
                statistics.finishedExecutionCount = state.finished
            } catch {
                faults.append(error)
            }
        }
        try database.close()
        return Found(statistics: statistics, faults: faults)
    }

    /// Counts what is there with the journal, which the tables lag behind.
    private static func readState(
        _ database: JournalDatabase
    ) throws(StorageFault) -> (jobCount: UInt64, open: UInt64, finished: UInt64) {
        let facts = try StoreRecovery.facts(of: database, at: 0)
        let memory = MemoryExecutionStore(
            rules: ExecutionRules(), limits: StoreLimits(),
            changes: ChangeFeed(firstRevision: facts.journalStartRevision + 1))
        var recovery = StoreRecovery(
            into: memory, from: database, facts: facts, finishedSince: .min, at: 0, readsAllOfJournal: true)
        try recovery.run()
        var (open, finished) = (0 as UInt64, 0 as UInt64)
        for job in recovery.jobs.values {
            let attempts = job.state.withLock { $0.attempts }
            open += UInt64(attempts.openCount)
            finished += UInt64(attempts.finishedCount)
        }
        return (UInt64(recovery.jobs.count), open, finished)
    }
}
