internal import Dispatch
internal import Synchronization

/// Decides when the journal is folded into the tables: when it has grown enough.
///
/// `@unchecked Sendable`: what is no constant and not atomic is touched on `queue` only.
final class CheckpointClock: @unchecked Sendable {
    private let memory: MemoryExecutionStore
    private let committer: GroupCommitter<JournalDatabase>
    private let queue = DispatchQueue(label: "errand.checkpoint", qos: .utility)
    /// How long finished executions stay in memory, in milliseconds.
    private let retention: Int64
    private var lastCheckpointAt = Int64.min
    /// Of things, as the last checkpoint of this run stored it.
    private var greatestSequence: UInt32 = 0
    private var lastPoint: (sequence: UInt64, mark: UInt64)
    /// Of a checkpoint that was not done. What it had copied may not have been written, so there is none after it.
    private var lastFault: StorageFault?
    private let nextSequence: Atomic<UInt64>
    private let mover: WALMover
    private let isMoving = Atomic(false)
    /// When checkpoints are given up, in nanoseconds of the system's uptime; a stop sets it.
    private let givesUpAt = Atomic(UInt64.max)
    private let stop: StopLimits
    private let pause: @Sendable () -> Void

    /// What a stop does for the start that comes after it.
    struct StopLimits: Sendable {
        /// With more records behind the last checkpoint there is one more: about as many as a start replays in the time
        /// that a checkpoint of them takes to begin and to end.
        var recordCountLeftMax: UInt64 = 50_000
        /// How long all that may take. Whoever stops services waits for some ten seconds before they are killed.
        var nanoseconds: UInt64 = 5_000_000_000
    }

    /// How many records are taken together at least, and at most. A start reads up to twice as many, which it does at some
    /// hundred thousand a second.
    static let recordCounts: ClosedRange<UInt64> = 200_000...800_000
    /// So many records for each row that the last checkpoint wrote: a row costs about as much as some records, so that
    /// fewer make a busy store write the same rows again and again.
    static let recordsPerRow: UInt64 = 8

    /// `lastPoint` is that of the last checkpoint, in an earlier run perhaps.
    init(
        _ memory: MemoryExecutionStore, _ committer: GroupCommitter<JournalDatabase>,
        mover: WALMover, lastPoint: (sequence: UInt64, mark: UInt64), retention: Int64,
        stop: StopLimits = StopLimits(), pause: @escaping @Sendable () -> Void
    ) {
        self.stop = stop
        self.mover = mover
        self.retention = retention
        self.pause = pause
        self.memory = memory
        self.committer = committer
        self.lastPoint = lastPoint
        nextSequence = Atomic(lastPoint.sequence + Self.recordCounts.lowerBound)
    }

    /// To be called now and then; begins a checkpoint if it is time.
    func note(_ committer: GroupCommitter<JournalDatabase>) {
        if mover.isDue, isMoving.compareExchange(expected: false, desired: true, ordering: .relaxed).exchanged {
            queue.async { self.moveWAL() }
        }
        let due = nextSequence.load(ordering: .relaxed)
        guard committer.durableSequence >= due,
            nextSequence.compareExchange(expected: due, desired: UInt64.max, ordering: .relaxed).exchanged
        else { return }
        queue.async { _ = self.run() }
    }

    /// Folds what has waited for ten minutes, however little it is, and lets go of what has finished long ago.
    func tend(at now: Int64) {
        queue.async { [self] in
            let (elapsed, overflows) = now.subtractingReportingOverflow(lastCheckpointAt)
            if committer.durableSequence > lastPoint.sequence, overflows || elapsed >= Self.longestWaitMilliseconds {
                lastCheckpointAt = now
                _ = run()
            }
            let (limit, isForEver) = now.subtractingReportingOverflow(retention)
            // After a failure there may be rows that were copied and never written.
            if !isForEver, lastFault == nil, committer.isRunning { _ = memory.letGo(finishedBefore: limit) }
        }
    }

    private static let longestWaitMilliseconds: Int64 = 600_000

    func runNow() -> StorageFault? { queue.sync { run() } }

    /// Nobody changes anything any more. Ends the checkpoint that is under way, and makes one more if there is much that the
    /// next start would replay; gives up what takes too long, which is then replayed.
    func end() {
        givesUpAt.store(DispatchTime.now().uptimeNanoseconds + stop.nanoseconds, ordering: .relaxed)
        queue.sync {
            let (durable, last) = (committer.durableSequence, lastPoint.sequence)
            if committer.isRunning, durable > last, durable - last > stop.recordCountLeftMax { _ = run() }
            givesUpAt.store(0, ordering: .relaxed)
        }
    }

    var isEnding: Bool { givesUpAt.load(ordering: .relaxed) != .max }

    private var givesUp: Bool {
        let time = givesUpAt.load(ordering: .relaxed)
        return time != .max && DispatchTime.now().uptimeNanoseconds >= time
    }

    private func run() -> StorageFault? {
        if let lastFault { return lastFault }
        guard !givesUp else { return .stopped }
        let point = committer.durablePoint
        var checkpoint = checkpoint()
        let outcome = checkpoint.run(through: point)
        if outcome.hasMoved {
            lastPoint = point
            greatestSequence = outcome.greatestSequence
        }
        let wanted = UInt64(outcome.rowCount) * Self.recordsPerRow
        let count = min(max(wanted, Self.recordCounts.lowerBound), Self.recordCounts.upperBound)
        nextSequence.store(point.sequence + count, ordering: .relaxed)
        lastFault = outcome.fault
        return outcome.fault
    }

    private func checkpoint() -> StoreCheckpoint {
        StoreCheckpoint(
            store: memory, committer: committer,
            // What came between the last two checkpoints stays in the journal, for watches that come back.
            journalStart: (sequence: lastPoint.sequence, revision: lastPoint.mark), mover: mover,
            greatestSequence: greatestSequence, isEnding: { [self] in isEnding }, isStopping: { [self] in givesUp }
        ) { [self] in
            guard !isEnding else { return false }
            pause()
            return true
        }
    }

    private func moveWAL() {
        defer { isMoving.store(false, ordering: .relaxed) }
        // A checkpoint may have done it meanwhile.
        guard mover.isDue, !isEnding else { return }
        // A fault is kept by the database; a full disk has room again before it is tried again.
        try? checkpoint().moveWAL()
    }

    /// While the disk is full there is nothing to be done but to wait.
    static func waitBriefly() { _ = DispatchSemaphore(value: 0).wait(timeout: .now() + 1) }
}
