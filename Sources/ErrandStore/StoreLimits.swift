import ErrandCore

/// How much a store takes in before CreateJob is refused, and remembers for watches (SPEC §12).
package struct StoreLimits: Sendable {
    /// Staged jobs included.
    package var jobCountMax = ServerLimits.jobCountMax
    package var stagedJobCountMax = ServerLimits.stagedJobCountMax
    /// As announced by the staged jobs, so that a job once begun can be finished.
    package var stagedTargetCountMax = ServerLimits.stagedTargetCountMax
    /// What the jobs may come to have: their targets as announced, times the attempts that each thing may take. A job
    /// counts until it is deleted.
    package var executionCountMax = ServerLimits.executionCountMax
    /// How many events the change feed keeps, and how many bytes of status details with them.
    package var watchHistoryEventCount = ServerLimits.watchHistoryEventCount
    package var watchHistoryDetailsByteCountMax = ServerLimits.watchHistoryDetailsByteCountMax
    /// How many events may wait for one watch.
    package var watchLagEventCountMax = ServerLimits.watchLagEventCountMax

    package init() {}
}

/// What the jobs of a store take of its limits.
struct StoreUse {
    private(set) var jobCount = 0
    private(set) var stagedJobCount = 0
    private(set) var stagedTargetCount = 0
    private(set) var executionCount = 0

    mutating func addStaged(_ job: StoredJob) {
        jobCount += 1
        stagedJobCount += 1
        stagedTargetCount += job.announcedTargetCount
        executionCount += job.executionCountMax
    }

    mutating func completeStaged(_ job: StoredJob) {
        stagedJobCount -= 1
        stagedTargetCount -= job.announcedTargetCount
    }

    mutating func removeStaged(_ job: StoredJob) {
        completeStaged(job)
        removeComplete(job)
    }

    mutating func removeComplete(_ job: StoredJob) {
        jobCount -= 1
        executionCount -= job.executionCountMax
    }

    /// Why there is no room for a new job; nothing if there is.
    func refusal(of request: CreateJobRequest, by limits: StoreLimits) -> Refusal? {
        guard jobCount < limits.jobCountMax else {
            return refusal("the server has \(jobCount) jobs", "jobCountMax", limits.jobCountMax, "delete some")
        }
        let targetCount = Int(request.targetCount)
        if request.targets.count < targetCount {
            let advice = "try again when they are complete"
            guard stagedJobCount < limits.stagedJobCountMax else {
                return refusal(
                    "\(stagedJobCount) jobs wait for their targets", "stagedJobCountMax", limits.stagedJobCountMax,
                    advice)
            }
            guard stagedTargetCount + targetCount <= limits.stagedTargetCountMax else {
                return refusal(
                    "jobs that wait for their targets announce \(stagedTargetCount) of them, this one \(targetCount)",
                    "stagedTargetCountMax", limits.stagedTargetCountMax, advice)
            }
        }
        let newCount = targetCount * request.configuration.attemptCountMax
        guard executionCount + newCount <= limits.executionCountMax else {
            return refusal(
                "the jobs may come to have \(executionCount) executions, this one \(newCount)", "executionCountMax",
                limits.executionCountMax, "delete some jobs")
        }
        return nil
    }

    private func refusal(_ fact: String, _ name: String, _ limit: Int, _ advice: String) -> Refusal {
        Refusal(.limitExceeded, "\(fact), \(name) is \(limit); \(advice)")
    }
}

extension JobConfiguration {
    /// How many executions one thing may get.
    var attemptCountMax: Int { retryCriteria.reduce(1) { $0 + Int($1.numberOfRetries) } }
}
