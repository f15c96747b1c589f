import ErrandCore
import Synchronization

/// Where an execution lives.
struct ExecutionReference {
    let stripe: UInt16
    let slot: UInt32
}

/// A job, staged or complete. What changes is in `state`, under its own lock, the last in the lock order
/// (see `MemoryExecutionStore`).
final class StoredJob: Sendable {
    let id: JobId
    let document: JobDocument
    let description: String?
    let inProgressTimeoutInMinutes: Int64?
    /// As announced by CreateJob, a thing named twice counted twice.
    let announcedTargetCount: Int
    let state: Mutex<State>

    struct State {
        /// A staged job is invisible to everything but CreateJob and AddJobTargets.
        var isStaged = true
        var targets = TargetNames()
        var lastProgressAt: Int64
        /// Up to where the targets have been handed out for queueing.
        var rollout = TargetNames.Cursor()
        /// In the order queued.
        var executions: ContiguousArray<ExecutionReference> = []
        var counts = JobProcessDetails()
        var notYetQueuedCount = 0
        var status = JobStatus.inProgress
        var createdAt: Int64
        var lastUpdatedAt: Int64
        var completedAt: Int64?
    }

    init(_ request: CreateJobRequest, at now: Int64) {
        id = request.jobId
        document = JobDocument(request.document)
        description = request.description
        inProgressTimeoutInMinutes = request.inProgressTimeoutInMinutes
        announcedTargetCount = Int(request.targetCount)
        state = Mutex(State(lastProgressAt: now, createdAt: now, lastUpdatedAt: now))
    }

    /// Whether `request` says the same as the one that created this job, as far as its targets were received.
    func matches(_ request: CreateJobRequest) -> Bool {
        guard request.description == description, Int(request.targetCount) == announcedTargetCount,
            request.inProgressTimeoutInMinutes == inProgressTimeoutInMinutes,
            request.document.utf8.elementsEqual(document.bytes)
        else { return false }
        return state.withLock { $0.targets.holds(request.targets[...], at: 0) }
    }

    /// An execution of this job got another status. The caller holds the execution's stripe.
    func executionMoved(from old: JobExecutionStatus, to new: JobExecutionStatus, at now: Int64) {
        state.withLock { state in
            state.counts[old] -= 1
            state.counts[new] += 1
            state.completeIfDone(at: now)
        }
    }

    /// A target got its execution. The caller holds the execution's stripe.
    func executionQueued(_ reference: ExecutionReference) {
        state.withLock { state in
            state.executions.append(reference)
            state.notYetQueuedCount -= 1
            state.counts[.queued] += 1
        }
    }

    /// A target was named before; things count once.
    func duplicateTargetFound(at now: Int64) {
        state.withLock { state in
            state.notYetQueuedCount -= 1
            state.completeIfDone(at: now)
        }
    }

    /// The next targets to queue; empty when all have been handed out. Each is handed out once.
    func takeTargets(atMost limit: Int) -> [ThingName] {
        state.withLock { state in
            var names: [ThingName] = []
            while names.count < limit, let name = state.targets.next(&state.rollout) { names.append(name) }
            return names
        }
    }

    /// Nothing while the job is staged.
    var described: Job? {
        state.withLock { state in
            guard !state.isStaged else { return nil }
            return Job(
                jobId: id, description: description, status: state.status, createdAtMilliseconds: state.createdAt,
                lastUpdatedAtMilliseconds: state.lastUpdatedAt, completedAtMilliseconds: state.completedAt,
                inProgressTimeoutInMinutes: inProgressTimeoutInMinutes,
                targetCount: state.counts.total + UInt32(state.notYetQueuedCount),
                notYetQueuedCount: UInt32(state.notYetQueuedCount), processDetails: state.counts)
        }
    }
}

extension StoredJob.State {
    var receipt: JobTargetsReceipt {
        JobTargetsReceipt(targetsReceived: UInt32(targets.count), isComplete: !isStaged)
    }

    /// Takes further targets; with the last of them the job exists.
    mutating func receive(_ names: ArraySlice<ThingName>, of announcedCount: Int, at now: Int64) {
        guard !names.isEmpty else { return }
        targets.append(names)
        lastProgressAt = max(lastProgressAt, now)
        guard targets.count == announcedCount else { return }
        isStaged = false
        notYetQueuedCount = announcedCount
        createdAt = lastProgressAt
        lastUpdatedAt = lastProgressAt
        executions.reserveCapacity(announcedCount)
    }

    fileprivate mutating func completeIfDone(at now: Int64) {
        guard status == .inProgress, notYetQueuedCount == 0, counts.openCount == 0 else { return }
        status = .completed
        lastUpdatedAt = max(lastUpdatedAt, now)
        completedAt = lastUpdatedAt
    }
}
