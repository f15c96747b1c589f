import ErrandCore
import HeapModule
import Synchronization

/// The jobs by id, staged ones included, and what time brings to them.
struct JobTable {
    /// A staged job is dropped after this long without progress (SPEC §12).
    static let stagedJobTimeoutMilliseconds: Int64 = 600_000

    private struct StagedDeadline: Comparable {
        let time: Int64
        let job: StoredJob

        static func < (left: Self, right: Self) -> Bool { left.time < right.time }
        static func == (left: Self, right: Self) -> Bool { left.time == right.time }
    }

    private var jobs: [JobId: StoredJob] = [:]
    /// One entry for each staged job, at or before the time when it is to be dropped.
    private var stagedDeadlines: Heap<StagedDeadline> = []
    /// Complete jobs with targets that wait for `advance`, the oldest first.
    private var rollouts: [StoredJob] = []
    private(set) var completeCount = 0

    subscript(id: JobId) -> StoredJob? { jobs[id] }

    mutating func insert(_ job: StoredJob) {
        jobs[job.id] = job
    }

    /// Remembers to drop a staged job, and says when.
    mutating func stage(_ job: StoredJob, at now: Int64) -> Int64 {
        let time = Self.dropTime(lastProgressAt: now)
        stagedDeadlines.insert(StagedDeadline(time: time, job: job))
        return time
    }

    /// A job exists now. Those whose targets are not all queued at once wait for `advance`.
    mutating func complete(_ job: StoredJob, leavesTargets: Bool) {
        completeCount += 1
        if leavesTargets { rollouts.append(job) }
    }

    /// The job whose targets come next.
    var nextRollout: StoredJob? { rollouts.first }

    mutating func endRollout(of job: StoredJob) {
        rollouts.removeAll { $0 === job }
    }

    /// Drops the staged job of that id if it has waited too long, whether or not `advance` has come by.
    mutating func dropIfAbandoned(_ id: JobId, at now: Int64) {
        guard let job = jobs[id], let time = Self.dropTime(job), time <= now else { return }
        jobs[id] = nil
    }

    /// Drops staged jobs that nobody finished in time. Returns how many entries it looked at.
    mutating func dropAbandoned(at now: Int64, limit: Int) -> Int {
        var looked = 0
        while looked < limit, let entry = stagedDeadlines.min {
            let isCurrent = jobs[entry.job.id] === entry.job
            let time = isCurrent ? Self.dropTime(entry.job) : nil
            if time != nil, entry.time > now { break }
            looked += 1
            _ = stagedDeadlines.popMin()
            guard let time else { continue }
            if time <= now {
                jobs[entry.job.id] = nil
            } else {
                stagedDeadlines.insert(StagedDeadline(time: time, job: entry.job))
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
        let (drop, overflows) = time.addingReportingOverflow(stagedJobTimeoutMilliseconds)
        return overflows ? Int64.max : drop
    }
}
