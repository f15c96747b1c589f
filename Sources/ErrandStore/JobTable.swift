import ErrandCore
import HeapModule
import Synchronization

/// The jobs by id, staged ones included, and what time brings to them.
struct JobTable {
    private struct Due: Comparable {
        let time: Int64
        let job: StoredJob

        static func < (left: Self, right: Self) -> Bool { left.time < right.time }
        static func == (left: Self, right: Self) -> Bool { left.time == right.time }
    }

    /// When to look at a staged job. Of the job only the number: long before that it may be complete and deleted, and is not
    /// to stay in memory for an entry behind that of another one which nobody completes.
    private struct StagedDue: Comparable {
        let time: Int64
        let number: UInt64

        static func < (left: Self, right: Self) -> Bool {
            (left.time, left.number) < (right.time, right.number)
        }
    }

    /// A job whose rows are to go, and the record that says so. Which rows its targets have is known when they go: a
    /// checkpoint that is under way may still write some of them after the job has gone.
    struct RemovedJob {
        var job: StoredJob
        var sequence: UInt64

        var targetRows: [Int64] { job.state.withLock { $0.targetRows } }
    }

    private(set) var jobs: [JobId: StoredJob] = [:]
    private var jobsByNumber: [UInt64: StoredJob] = [:]
    /// The complete ones, in the order created.
    private var complete: ContiguousArray<(number: UInt64, job: StoredJob)> = []
    var lastCreationNumber: UInt64 = 0
    var lastJobNumber: UInt64 = 0
    /// Rows of jobs and of their targets that are to go, and the records that say so.
    var removed: [RemovedJob] = []
    /// Of the newest record that removed a job.
    private(set) var lastRemovalSequence: UInt64 = 0
    /// One entry for each staged job, at or before the time when it is to be dropped.
    private var stagedDeadlines: Heap<StagedDue> = []
    /// Jobs with targets that wait for `advance`. An entry counts only if the job remembers its time.
    private var rollouts: Heap<Due> = []
    /// Jobs whose cancel or deletion waits for `advance` to be worked off, the oldest first.
    private var sweeps: [StoredJob] = []
    /// Deletions of jobs and of executions: nothing is left of them that could remember.
    var deletions = RememberedOutcomes(countMax: ServerLimits.deletionKeyCountMin)
    private(set) var deletionCount = 0
    private var use = StoreUse()
    private let limits: StoreLimits

    init(limits: StoreLimits) { self.limits = limits }

    var completeCount: Int { complete.count }

    /// The staged or complete job of that id.
    subscript(id: JobId) -> StoredJob? { jobs[id] }

    func job(number: UInt64) -> StoredJob? { jobsByNumber[number] }

    /// The job of that id, if it is complete.
    func completeJob(_ id: JobId) -> StoredJob? {
        guard let job = jobs[id], !job.state.withLock({ $0.isStaged }) else { return nil }
        return job
    }

    /// Why there is no room for a new job; nothing if there is.
    mutating func refusal(of request: CreateJobRequest, at now: Int64) -> Refusal? {
        guard use.refusal(of: request, by: limits) != nil else { return nil }
        _ = dropAbandoned(at: now, limit: Int.max)
        return use.refusal(of: request, by: limits)
    }

    /// The number of the next job, which is never given again.
    mutating func takeJobNumber() -> UInt64 {
        lastJobNumber += 1
        return lastJobNumber
    }

    /// A new job, staged until it is complete.
    mutating func insert(_ job: StoredJob) {
        jobs[job.id] = job
        jobsByNumber[job.number] = job
        use.addStaged(job)
    }

    /// A staged job exists now; it was given the next creation number when it took its last target.
    mutating func complete(_ job: StoredJob) {
        use.completeStaged(job)
        let number = job.state.withLock { $0.creationNumber }
        lastCreationNumber = max(lastCreationNumber, number)
        // Nearly always the last one; a store that is being read comes with them in any order.
        complete.insert((number, job), at: firstComplete(after: number))
    }

    /// What a job is given when it takes its last target.
    var nextCreationNumber: UInt64 { lastCreationNumber + 1 }

    mutating func beginDeletion() { deletionCount += 1 }

    /// The job's last execution is gone; its id is free.
    mutating func endDeletion(of job: StoredJob, at now: Int64) {
        guard jobs[job.id] === job else { return }
        jobs[job.id] = nil
        job.state.withLock { state in
            state.touch(at: now)
            job.recordGone(&state, wasStaged: false)
        }
        forget(job)
        use.removeComplete(job)
        deletionCount -= 1
        let number = job.state.withLock { $0.creationNumber }
        let place = firstComplete(after: number - 1)
        if place < complete.count, complete[place].number == number { complete.remove(at: place) }
        sweeps.removeAll { $0 === job }
    }

    /// Up to `limit` complete jobs created after the one with that number.
    func jobs(after number: UInt64, atMost limit: Int) -> [(number: UInt64, job: StoredJob)] {
        Array(complete[firstComplete(after: number)...].prefix(limit))
    }

    private func firstComplete(after number: UInt64) -> Int {
        var low = 0
        var high = complete.count
        while low < high {
            let middle = (low + high) / 2
            if complete[middle].number <= number { low = middle + 1 } else { high = middle }
        }
        return low
    }

    // MARK: Rollouts and sweeps

    /// An earlier time stays: whoever set it may know of a higher rate.
    mutating func scheduleRollout(of job: StoredJob, at time: Int64) {
        let isNews = job.state.withLock { state in
            guard time < state.rolloutDue ?? Int64.max else { return false }
            state.rolloutDue = time
            return true
        }
        if isNews { rollouts.insert(Due(time: time, job: job)) }
    }

    /// A job whose next targets are due. It is the caller's until it is scheduled again.
    mutating func takeDueRollout(at now: Int64) -> StoredJob? {
        while let entry = rollouts.min {
            let isLive = isLive(entry)
            if isLive, entry.time > now { return nil }
            _ = rollouts.popMin()
            guard isLive else { continue }
            entry.job.state.withLock { state in
                state.rolloutDue = nil
                state.isRollingOut = true
            }
            return entry.job
        }
        return nil
    }

    /// When the next targets of any job are due.
    mutating func nextRolloutDue() -> Int64? {
        while let entry = rollouts.min {
            if isLive(entry) { return entry.time }
            _ = rollouts.popMin()
        }
        return nil
    }

    private func isLive(_ entry: Due) -> Bool {
        jobs[entry.job.id] === entry.job
            && entry.job.state.withLock { $0.rolloutDue == entry.time && $0.status == .inProgress }
    }

    mutating func scheduleSweep(of job: StoredJob) {
        guard !sweeps.contains(where: { $0 === job }) else { return }
        sweeps.append(job)
    }

    var nextSweep: StoredJob? { sweeps.first }

    mutating func endSweep(of job: StoredJob) {
        guard job.isSwept else { return }
        sweeps.removeAll { $0 === job }
    }

    // MARK: Staged jobs

    /// Remembers to drop a staged job, and says when.
    mutating func stage(_ job: StoredJob, at now: Int64) -> Int64 {
        let time = Self.dropTime(lastProgressAt: now)
        stagedDeadlines.insert(StagedDue(time: time, number: job.number))
        return time
    }

    /// Drops the staged job of that id if it has waited too long, whether or not `advance` has come by.
    mutating func dropIfAbandoned(_ id: JobId, at now: Int64) {
        guard let job = jobs[id], let time = Self.dropTime(job), time <= now else { return }
        drop(job)
    }

    private mutating func drop(_ job: StoredJob) {
        jobs[job.id] = nil
        use.removeStaged(job)
        job.state.withLock { job.recordGone(&$0, wasStaged: true) }
        forget(job)
    }

    /// Its rows are to go.
    private mutating func forget(_ job: StoredJob) {
        jobsByNumber[job.number] = nil
        let sequence = job.state.withLock { $0.lastSequence }
        guard sequence > 0 else { return }
        removed.append(RemovedJob(job: job, sequence: sequence))
        lastRemovalSequence = max(lastRemovalSequence, sequence)
    }

    /// Drops staged jobs that nobody finished in time. Returns how many entries it looked at.
    mutating func dropAbandoned(at now: Int64, limit: Int) -> Int {
        var looked = 0
        while looked < limit, let entry = stagedDeadlines.min {
            let job = jobsByNumber[entry.number]
            let time = job.flatMap { Self.dropTime($0) }
            if time != nil, entry.time > now { break }
            looked += 1
            _ = stagedDeadlines.popMin()
            guard let job, let time else { continue }
            if time <= now {
                drop(job)
            } else {
                stagedDeadlines.insert(StagedDue(time: time, number: entry.number))
            }
        }
        return looked
    }

    var nextStagedDeadline: Int64? { stagedDeadlines.min?.time }

    /// Nothing for a job that is complete.
    private static func dropTime(_ job: StoredJob) -> Int64? {
        job.state.withLock { $0.isStaged ? dropTime(lastProgressAt: $0.lastProgressAt) : nil }
    }

    private static func dropTime(lastProgressAt time: Int64) -> Int64 {
        let (drop, overflows) = time.addingReportingOverflow(ServerLimits.stagedJobTimeoutMilliseconds)
        return overflows ? Int64.max : drop
    }
}
