import ErrandCore
import ErrandStore
import Testing

/// Calls on jobs, and keyed calls.
extension StoreDriver {
    @discardableResult
    func create(
        _ jobId: String, on things: [String], _ configuration: JobConfiguration, at now: Int64 = 0
    ) throws -> StoreOutcome {
        let request = CreateJobRequest(
            jobId: try JobId(jobId), document: "{}", configuration: configuration,
            targetCount: UInt32(things.count), targets: try things.map { try ThingName($0) })
        return outcome(of: .createJob(request), at: now)
    }

    @discardableResult
    func cancelJob(
        _ jobId: String, force: Bool = false, reason: String? = nil, key: IdempotencyKey? = nil, at now: Int64
    ) throws -> StoreOutcome {
        let request = CancelJobRequest(
            jobId: try JobId(jobId), force: force, reasonCode: reason, idempotencyKey: key)
        return outcome(of: .cancelJob(request), at: now)
    }

    @discardableResult
    func deleteJob(
        _ jobId: String, force: Bool = false, key: IdempotencyKey? = nil, at now: Int64
    ) throws -> StoreOutcome {
        let request = DeleteJobRequest(jobId: try JobId(jobId), force: force, idempotencyKey: key)
        return outcome(of: .deleteJob(request), at: now)
    }

    @discardableResult
    func updateJob(
        _ jobId: String, timeout: Int64? = nil, rollout: RolloutConfig? = nil, abort: [AbortCriterion]? = nil,
        endsRetries: Bool = false, key: IdempotencyKey? = nil, at now: Int64
    ) throws -> StoreOutcome {
        let request = UpdateJobRequest(
            jobId: try JobId(jobId), inProgressTimeoutInMinutes: timeout, rollout: rollout, abortCriteria: abort,
            endsRetries: endsRetries, idempotencyKey: key)
        return outcome(of: .updateJob(request), at: now)
    }

    @discardableResult
    func removeTargets(
        _ jobId: String, _ things: [String], key: IdempotencyKey? = nil, at now: Int64
    ) throws -> StoreOutcome {
        let request = RemoveJobTargetsRequest(
            jobId: try JobId(jobId), targets: try things.map { try ThingName($0) }, idempotencyKey: key)
        return outcome(of: .removeJobTargets(request), at: now)
    }

    @discardableResult
    func deleteExecution(
        _ jobId: String, _ thing: String, _ number: Int64, force: Bool = false, key: IdempotencyKey? = nil,
        at now: Int64
    ) throws -> StoreOutcome {
        let request = DeleteJobExecutionRequest(
            jobId: try JobId(jobId), thingName: try ThingName(thing), executionNumber: number, force: force,
            idempotencyKey: key)
        return outcome(of: .deleteExecution(request), at: now)
    }

    func history(
        _ jobId: String, _ thing: String, number: Int64? = nil, max: UInt32? = nil, token: [UInt8]? = nil,
        at now: Int64
    ) throws -> JobExecutionHistoryPage {
        let request = GetJobExecutionHistoryRequest(
            jobId: try JobId(jobId), thingName: try ThingName(thing), executionNumber: number, maxResults: max,
            nextToken: token)
        guard case .history(let page) = outcome(of: .getHistory(request), at: now) else {
            throw Missing(what: "history")
        }
        return page
    }

    func update(
        _ jobId: String, _ thing: String, _ status: JobExecutionStatus, key: IdempotencyKey, includeState: Bool = false,
        number: Int64? = nil, at now: Int64
    ) throws -> StoreOutcome {
        let request = UpdateJobExecutionRequest(
            jobId: try JobId(jobId), thingName: try ThingName(thing), status: status, executionNumber: number,
            includeJobExecutionState: includeState, idempotencyKey: key)
        return outcome(of: .update(request), at: now)
    }

    func startNext(_ thing: String, key: IdempotencyKey, at now: Int64) throws -> StoreOutcome {
        let request = StartNextPendingJobExecutionRequest(thingName: try ThingName(thing), idempotencyKey: key)
        return outcome(of: .startNext(request), at: now)
    }

    /// The job, with its counts summing up as they always must.
    func summedJob(_ jobId: String, at now: Int64) throws -> Job {
        let job = try #require(try job(jobId, at: now))
        #expect(job.processDetails.total + job.notYetQueuedCount == job.targetCount)
        return job
    }

    func jobs(status: JobStatus? = nil, max: UInt32? = nil, token: [UInt8]? = nil, at now: Int64) throws -> JobPage {
        let request = ListJobsRequest(status: status, maxResults: max, nextToken: token)
        guard case .jobPage(let page) = outcome(of: .listJobs(request), at: now) else { throw Missing(what: "jobs") }
        return page
    }

    /// Everything that is due until then, each at its own time.
    func advanceAll(to now: Int64) {
        var time: Int64? = 0
        while let due = time, due <= now { time = nextAdvance(at: due) }
        _ = store.advance(to: now, limit: 100_000)
    }

    private func nextAdvance(at time: Int64) -> Int64? {
        store.advance(to: time, limit: 100_000).nextDueMilliseconds.map { Swift.max($0, time + 1) }
    }
}

struct Missing: Error { let what: String }

extension StoreOutcome {
    var removedCount: UInt32? { if case .targetsRemoved(let count) = self { count } else { nil } }
    var isExecutionDeleted: Bool { if case .executionDeleted = self { true } else { false } }
    var deletionIsComplete: Bool? { if case .jobDeleted(let isComplete) = self { isComplete } else { nil } }
}
