import ErrandCore
import Synchronization

/// Where an execution lives; nowhere once it is deleted.
struct ExecutionReference {
    let stripe: UInt16
    let slot: UInt32

    static let deleted = ExecutionReference(stripe: 0, slot: ExecutionSlot.none)
    /// Not in memory; if it was not deleted, the tables of a durable store have it.
    static let absent = ExecutionReference(stripe: 1, slot: ExecutionSlot.none)

    var isAbsent: Bool { slot == ExecutionSlot.none && stripe == 1 }
}

/// A job, staged or complete. What changes is in `state`, under its own lock, the last in the lock order
/// (see `MemoryExecutionStore`), and what every call on an execution looks at is in atomics.
final class StoredJob: Sendable {
    let id: JobId
    /// Never used for another job of the store, as an id may be.
    let number: UInt64
    /// The same id for the change feed, which remembers it longer than the job may exist.
    let identity: JobIdentity
    let changes: ChangeFeed
    let document: JobDocument
    /// As CreateJob said it, for recognizing it when it comes again.
    let createdDescription: String?
    let createdConfiguration: JobConfiguration
    /// As announced by CreateJob, a thing named twice counted twice.
    let announcedTargetCount: Int
    /// How many it may come to have, as announced.
    var executionCountMax: Int { announcedTargetCount * createdConfiguration.attemptCountMax }
    private let sweepBits = Atomic<UInt8>(0)
    /// 0 for none.
    private let timeout: Atomic<Int64>
    let state: Mutex<State>

    struct State {
        /// A staged job is invisible to everything but CreateJob and AddJobTargets.
        var isStaged = true
        var targets = JobTargets()
        var lastProgressAt: Int64
        /// Up to where the targets have been handed out for queueing.
        var rollout = JobTargets.Cursor()
        var rolloutWindow = RolloutWindow()
        /// The time of its one live entry among the table's rollouts.
        var rolloutDue: Int64?
        /// Whether somebody is queueing targets: one at a time does, so that they are queued in their order.
        var isRollingOut = false
        /// How many targets have been handed out.
        var notifiedCount: UInt32 = 0
        /// Up to where the targets have been queued, and how many: what survives of the two above.
        var queuedUpTo = JobTargets.Cursor()
        var queuedThingCount: UInt32 = 0
        /// In the order queued, deleted ones included.
        var executions: ContiguousArray<ExecutionReference> = []
        /// Things by their latest attempt, as stored: a sweep under way shows only in `shown`.
        var counts = JobProcessDetails()
        var attempts = JobProcessDetails()
        var notYetQueuedCount = 0
        var status = JobStatus.inProgress
        var createdAt: Int64
        var lastUpdatedAt: Int64
        var completedAt: Int64?
        var description: String?
        var configuration: JobConfiguration
        var reasonCode: String?
        var comment: String?
        var forceCanceled = false
        var sweep = JobSweep()
        var calls = RememberedOutcomes(countMax: RememberedCalls.countMax)
        /// Its place in the order created; 0 while it is staged.
        var creationNumber: UInt64 = 0
        /// Of the newest record that is about the job, its executions included.
        var lastSequence: UInt64 = 0
        /// Whether its row is older than that.
        var isDirty = false
        /// How many of the targets are in rows, and where each of these rows begins.
        var storedTargetCount = 0
        var targetRows: [Int64] = []
    }

    init(_ request: CreateJobRequest, number: UInt64, at now: Int64, changes: ChangeFeed) {
        id = request.jobId
        self.number = number
        identity = JobIdentity(request.jobId)
        self.changes = changes
        document = JobDocument(request.document)
        createdDescription = request.description
        createdConfiguration = request.configuration
        announcedTargetCount = Int(request.targetCount)
        timeout = Atomic(request.inProgressTimeoutInMinutes ?? 0)
        state = Mutex(
            State(
                lastProgressAt: now, createdAt: now, lastUpdatedAt: now, description: request.description,
                configuration: request.configuration))
    }

    /// Stands in a slot that is free.
    static let vacant = StoredJob(
        CreateJobRequest(jobId: JobId(), document: "", targetCount: 0, targets: []), number: 0, at: 0,
        changes: ChangeFeed())

    var sweepFlags: SweepFlags { SweepFlags(rawValue: sweepBits.load(ordering: .acquiring)) }

    /// For executions that start now.
    var inProgressTimeoutInMinutes: Int64? {
        let minutes = timeout.load(ordering: .relaxed)
        return minutes == 0 ? nil : minutes
    }

    /// Only under the lock of `state`.
    func addSweepFlags(_ flags: SweepFlags) {
        _ = sweepBits.bitwiseOr(flags.rawValue, ordering: .releasing)
    }

    /// Takes further targets; with the last of them the job exists, as the one of that `creationNumber`.
    func receive(
        _ names: ArraySlice<ThingName>, isFirst: Bool = false, creationNumber: UInt64, _ state: inout State,
        at now: Int64
    ) {
        guard isFirst || !names.isEmpty else { return }
        let position = state.targets.count
        let wasStaged = state.isStaged
        state.receive(names, of: announcedTargetCount, at: now)
        if wasStaged, !state.isStaged {
            state.creationNumber = creationNumber
            // The caller queues the first ones.
            state.isRollingOut = true
        }
        recordTargets(from: position, isFirst: isFirst, &state)
    }

    /// Says so if the job is completed by what has just happened.
    func completeIfDone(_ state: inout State, at now: Int64) -> JobEvent? {
        let old = state.status
        guard state.completeIfDone(at: now) else { return nil }
        return JobEvent(old, state.status, by: .service, at: state.lastUpdatedAt)
    }

    /// Only under the lock of `state`.
    func setInProgressTimeout(_ minutes: Int64) {
        timeout.store(minutes, ordering: .relaxed)
    }

    /// Whether `request` says the same as the one that created this job, as far as its targets were received.
    func matches(_ request: CreateJobRequest) -> Bool {
        guard request.description == createdDescription, Int(request.targetCount) == announcedTargetCount,
            request.configuration == createdConfiguration, request.document.utf8.elementsEqual(document.bytes)
        else { return false }
        return state.withLock { $0.targets.holds(request.targets[...], at: 0) }
    }

    /// Nothing while the job is staged.
    func described(_ state: borrowing State) -> Job? {
        guard !state.isStaged else { return nil }
        let flags = sweepFlags
        let counts = Self.shown(state.counts, flags)
        let notYetQueuedCount = flags.contains(.deleted) ? 0 : UInt32(clamping: state.notYetQueuedCount)
        return Job(
            jobId: id, description: state.description, status: state.status, createdAtMilliseconds: state.createdAt,
            lastUpdatedAtMilliseconds: state.lastUpdatedAt, completedAtMilliseconds: state.completedAt,
            configuration: state.configuration, reasonCode: state.reasonCode, comment: state.comment,
            forceCanceled: state.forceCanceled, targetCount: counts.total &+ notYetQueuedCount,
            notYetQueuedCount: notYetQueuedCount, processDetails: counts,
            attemptDetails: Self.shown(state.attempts, flags))
    }

    /// For a list; nothing if it has another status than asked for.
    func summary(ifStatus status: JobStatus?, _ turn: inout Turn) -> JobSummary? {
        state.withLock { state in
            turn.depends(on: state.lastSequence)
            if let status, state.status != status { return nil }
            return described(state).map {
                JobSummary(
                    jobId: id, status: $0.status, createdAtMilliseconds: $0.createdAtMilliseconds,
                    lastUpdatedAtMilliseconds: $0.lastUpdatedAtMilliseconds,
                    completedAtMilliseconds: $0.completedAtMilliseconds, targetCount: $0.targetCount)
            }
        }
    }

    /// The counts as if the sweep had reached every execution.
    private static func shown(_ stored: JobProcessDetails, _ flags: SweepFlags) -> JobProcessDetails {
        if flags.contains(.deleted) { return JobProcessDetails() }
        var counts = stored
        if flags.contains(.canceled) {
            counts[.canceled] &+= counts[.queued]
            counts[.queued] = 0
        }
        if flags.contains(.forced) {
            counts[.canceled] &+= counts[.inProgress]
            counts[.inProgress] = 0
        }
        return counts
    }
}

extension StoredJob.State {
    var receipt: JobTargetsReceipt {
        JobTargetsReceipt(targetsReceived: UInt32(targets.count), isComplete: !isStaged)
    }

    mutating func receive(_ names: ArraySlice<ThingName>, of announcedCount: Int, at now: Int64) {
        guard !names.isEmpty else { return }
        targets.append(names)
        lastProgressAt = max(lastProgressAt, now)
        guard targets.count == announcedCount else { return }
        isStaged = false
        notYetQueuedCount = targets.distinctCount
        createdAt = lastProgressAt
        lastUpdatedAt = lastProgressAt
        executions.reserveCapacity(targets.distinctCount)
    }

    mutating func touch(at now: Int64) { lastUpdatedAt = max(lastUpdatedAt, now) }

    /// Returns whether it is completed now and was not before.
    fileprivate mutating func completeIfDone(at now: Int64) -> Bool {
        guard status == .inProgress, notYetQueuedCount == 0, counts.openCount == 0 else { return false }
        status = .completed
        touch(at: now)
        completedAt = lastUpdatedAt
        return true
    }
}
