internal import Dispatch
package import ErrandCore
internal import Synchronization

/// The embedded store: executions in memory, every change in a journal on disk before anybody is told of it.
///
/// A call is decided inline, as `MemoryExecutionStore` does it; each change appends a record to the journal under the very
/// lock under which it was decided. The batch is complete when the newest record that its outcomes show is durable, which one
/// commit makes of all records that have gathered. Events are published by the journal too, in its order.
package final class DurableExecutionStore: ExecutionStore {
    let memory: MemoryExecutionStore
    let committer: GroupCommitter<JournalDatabase>
    private let checkpoints: CheckpointClock
    /// What the start found and did.
    package let recovery: RecoveryFacts

    /// What whoever runs the server should know. Told on the journal's queue.
    package enum Report: Sendable, Equatable {
        case isFull
        case hasRoomAgain
        /// From here on the store is read-only.
        case failed(StorageFault)
    }

    package struct RecoveryFacts: Sendable, Equatable {
        package var jobCount = 0
        package var executionCount: UInt64 = 0
        package var replayedRecordCount = 0
        /// How long it took to read the tables, and then the journal.
        package var tablesDuration = Duration.zero
        package var journalDuration = Duration.zero
    }

    /// Opens the store in `directory`, and makes it if it is not there.
    package convenience init(
        directory: String, rules: ExecutionRules, limits: StoreLimits = StoreLimits(), at nowMilliseconds: Int64,
        finishedRetentionMilliseconds: Int64 = .max, stripeCount: Int = 64,
        report: @escaping @Sendable (Report) -> Void = { _ in }
    ) throws(StorageFault) {
        try self.init(
            try JournalDatabase.open(directory: directory, create: true), rules: rules,
            limits: limits, at: nowMilliseconds, finishedRetentionMilliseconds: finishedRetentionMilliseconds,
            stripeCount: stripeCount, report: report)
    }

    /// What tests of full and slow disks set, so that they need not wait nor fill much.
    struct Tuning: Sendable {
        /// See `GroupCommitter`.
        var journalByteCountMax = 32 << 20
        var retryAfterDelay: GroupCommitter<JournalDatabase>.Delay?
        var stop = CheckpointClock.StopLimits()
        var parts = ExecutionParts()
        /// What a checkpoint does before it tries again to write to a full disk.
        var checkpointPause: @Sendable () -> Void = { CheckpointClock.waitBriefly() }
    }

    init(
        _ database: sending JournalDatabase, rules: ExecutionRules, limits: StoreLimits,
        at now: Int64, finishedRetentionMilliseconds: Int64 = .max, stripeCount: Int, tuning: Tuning = Tuning(),
        report: @escaping @Sendable (Report) -> Void = { _ in }
    ) throws(StorageFault) {
        let facts = try StoreRecovery.facts(of: database, at: now)
        let journal = StoreJournal()
        let changes = ChangeFeed(
            firstRevision: facts.journalStartRevision + 1, limits: limits, journal: journal,
            recordedSequence: database.lastSequence)
        let memory = MemoryExecutionStore(
            rules: rules, stripeCount: stripeCount, limits: limits, changes: changes,
            archive: ExecutionArchive(directory: database.directory.path))
        let (since, overflows) = now.subtractingReportingOverflow(finishedRetentionMilliseconds)
        var recovery = StoreRecovery(
            into: memory, from: database, facts: facts, finishedSince: overflows ? Int64.min : since, at: now,
            parts: tuning.parts)
        try recovery.run()
        try database.giveBackMemory()
        let mover = try WALMover(path: database.directory.databasePath, length: database.walLength)
        let lastPoint = (sequence: database.checkpointSequence, mark: recovery.checkpointRevision)
        let committer = GroupCommitter(
            database, byteCountMax: tuning.journalByteCountMax, retryAfterDelay: tuning.retryAfterDelay,
            mark: changes.revision, onDurable: { [weak changes] in changes?.publish(upTo: $0) }
        ) { state in
            switch state {
            case .running: report(.hasRoomAgain)
            case .full: report(.isFull)
            case .failed(let fault): report(.failed(fault))
            case .stopped: break
            }
        }
        journal.begin(committer)
        self.memory = memory
        self.committer = committer
        checkpoints = CheckpointClock(
            memory, committer, mover: mover, lastPoint: lastPoint, retention: finishedRetentionMilliseconds,
            stop: tuning.stop, pause: tuning.checkpointPause)
        self.recovery = RecoveryFacts(
            jobCount: recovery.jobs.count, executionCount: memory.counts.executionCount,
            replayedRecordCount: recovery.replayedCount, tablesDuration: recovery.tablesDuration,
            journalDuration: recovery.journalDuration)
    }

    /// Does what became due while nobody served: deadlines that have passed fire before anybody is served.
    package func catchUp(to nowMilliseconds: Int64) {
        while let due = advance(to: nowMilliseconds, limit: 4096).nextDueMilliseconds, due <= nowMilliseconds {}
    }

    package func submit(_ batch: CommandBatch, at nowMilliseconds: Int64) {
        let sequence = memory.decide(batch, at: nowMilliseconds, refusingChanges: refusalOfChanges)
        if changes.recordedSequence > committer.durableSequence { committer.begin() }
        committer.whenDurable(sequence, batch)
        checkpoints.note(committer)
    }

    package func advance(to nowMilliseconds: Int64, limit: Int) -> AdvanceResult {
        guard refusalOfChanges == nil else {
            let delay = committer.isRunning ? Self.throttleMilliseconds : Self.retryAfterMilliseconds
            return AdvanceResult(nextDueMilliseconds: nowMilliseconds + delay)
        }
        defer { committer.begin() }
        return memory.advance(to: nowMilliseconds, limit: limit)
    }

    package func onEarlierDue(_ notify: @escaping @Sendable (_ dueMilliseconds: Int64) -> Void) {
        memory.onEarlierDue(notify)
    }

    package var changes: ChangeFeed { memory.changes }

    package var counts: StoreCounts { memory.counts }

    package func tend(at nowMilliseconds: Int64) { checkpoints.tend(at: nowMilliseconds) }

    package func close() -> String? { stop().map { "\($0)" } }

    /// Stores all that was decided, and closes the files. What comes later is refused. Says what kept it from that.
    package func stop() -> StorageFault? {
        checkpoints.end()
        let done = DispatchSemaphore(value: 0)
        let outcome = Mutex<StorageFault?>(nil)
        committer.stop { fault in
            outcome.withLock { $0 = fault }
            done.signal()
        }
        done.wait()
        return outcome.withLock { $0 }
    }

    /// Whether a stop has begun.
    var isStopping: Bool { checkpoints.isEnding }

    /// Folds everything into the tables now. For tests, and for those who want a short start.
    package func checkpoint() -> StorageFault? { checkpoints.runNow() }

    /// Lets finished executions leave memory that have not changed since then, as far as they are in the tables. They come
    /// back when they are asked for. Returns how many have left.
    @discardableResult
    package func letGo(finishedBefore timeMilliseconds: Int64) -> Int { memory.letGo(finishedBefore: timeMilliseconds) }

    // MARK: Refusing

    /// Until a full disk may have room again.
    private static let retryAfterMilliseconds: Int64 = 1000
    /// Until the disk may have caught up.
    private static let throttleMilliseconds: Int64 = 100

    /// Why nothing may be changed now; nothing if it may.
    private var refusalOfChanges: Refusal? {
        guard committer.isThrottled || !committer.isRunning || isFeedFull else { return nil }
        return switch committer.state {
        case .running where committer.isThrottled || isFeedFull:
            Refusal(
                .throttled, "changes come faster than the disk takes them; nothing was changed, try again",
                retryAfterMilliseconds: UInt32(Self.throttleMilliseconds))
        case .running: nil
        case .full:
            Refusal(
                .unavailable, "the server's disk is full; nothing was changed, try again when there is room",
                retryAfterMilliseconds: UInt32(Self.retryAfterMilliseconds))
        case .failed(let fault):
            Refusal(
                .unavailable, "the server is read-only, because its disk failed; nothing was changed. \(fault)")
        case .stopped: Refusal(.unavailable, "the server is stopping; nothing was changed")
        }
    }

    /// Events that are not durable yet must not push out those that watches have not seen.
    private var isFeedFull: Bool { changes.unpublishedCount > UInt64(changes.historyCountMax / 2) }
}

/// Where the feed finds the committer, which takes over the database only when everything has been read from it.
///
/// `@unchecked Sendable`: set once, before the store is handed out; from then on it is only read.
private final class StoreJournal: ChangeJournal, @unchecked Sendable {
    private var committer: GroupCommitter<JournalDatabase>?

    func begin(_ committer: GroupCommitter<JournalDatabase>) { self.committer = committer }

    func append(upTo revision: UInt64, _ write: (inout JournalBuffer) -> Void) -> UInt64 {
        committer?.append(upTo: revision, write) ?? 0
    }
}

extension CommandBatch: DurabilityWaiter {
    package func durable() { complete() }

    /// What was decided will not be durable, or nobody knows: nothing of it may be shown.
    package func failed(_ fault: StorageFault) {
        for index in outcomes.indices {
            if case .described = outcomes[index] { continue }
            // A refusal too may say what was not made durable.
            let refusal =
                if commands[index].isChange {
                    Refusal(.internalError, "the change may be lost, because the server's disk failed. \(fault)")
                } else {
                    Self.unavailable(fault)
                }
            outcomes[index] = .refused(refusal)
        }
        describes.refuseAll(Self.unavailable(fault))
        complete()
    }

    private static func unavailable(_ fault: StorageFault) -> Refusal {
        Refusal(.unavailable, "what is asked for shows a change that may be lost. \(fault)")
    }
}
