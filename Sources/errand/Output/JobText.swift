import ErrandClient

/// Jobs for people. Everything that came from elsewhere is escaped here.
enum JobText {
    static func lines(_ job: Job) -> [String] {
        var pairs: [(String, String)] = [("job", job.jobId.description), ("status", status(job))]
        if let description = job.description { pairs.append(("description", EscapedText.line(description))) }
        if let reasonCode = job.reasonCode { pairs.append(("reason", EscapedText.line(reasonCode))) }
        if let comment = job.comment { pairs.append(("comment", EscapedText.line(comment))) }
        pairs.append(("created", LocalTime.text(job.createdAtMilliseconds)))
        pairs.append(("updated", LocalTime.text(job.lastUpdatedAtMilliseconds)))
        if let completedAt = job.completedAtMilliseconds { pairs.append(("completed", LocalTime.text(completedAt))) }
        pairs += configuration(job.configuration)
        pairs.append(("targets", String(job.targetCount)))
        if job.attemptDetails.total > job.processDetails.total {
            pairs.append(("attempts", String(job.attemptDetails.total)))
        }
        if job.notYetQueuedCount > 0 { pairs.append(("not yet queued", String(job.notYetQueuedCount))) }
        let counts = JobExecutionStatus.allCases.filter { job.processDetails[$0] > 0 }
            .map { ($0.description, String(job.processDetails[$0])) }
        return TextTable.pairs(pairs) + TextTable.pairs(counts, indent: 2)
    }

    private static func status(_ job: Job) -> String {
        job.status.description + (job.forceCanceled ? " (forced)" : "")
    }

    private static func configuration(_ configuration: JobConfiguration) -> [(String, String)] {
        var pairs: [(String, String)] = []
        if let minutes = configuration.inProgressTimeoutInMinutes {
            pairs.append(("times out", "\(minutes) min after each start"))
        }
        if !configuration.retryCriteria.isEmpty {
            let criteria = configuration.retryCriteria.map { "\($0.failureType) \($0.numberOfRetries) times" }
            pairs.append(("retries", criteria.joined(separator: ", ")))
        }
        if let rollout = configuration.rollout { pairs.append(("rollout", line(rollout))) }
        for criterion in configuration.abortCriteria {
            let percentage = FixedPoint.text(criterion.thresholdPercentageHundredths, places: 2)
            let count = criterion.minNumberOfExecutedThings
            pairs.append(("aborts at", "\(percentage) % \(criterion.failureType) of \(count) or more"))
        }
        return pairs
    }

    private static func line(_ rollout: RolloutConfig) -> String {
        guard let rate = rollout.exponentialRate else { return "\(rollout.maximumPerMinute) a minute" }
        let factor = FixedPoint.text(UInt32(rate.incrementFactorTenths), places: 1)
        let step =
            switch rate.increaseCriterion {
            case .numberOfNotifiedThings(let count): "\(count) queued"
            case .numberOfSucceededThings(let count): "\(count) succeeded"
            }
        return "\(rate.baseRatePerMinute) a minute, times \(factor) for each \(step), up to \(rollout.maximumPerMinute)"
    }

    static func table() -> TextTable {
        TextTable([("JOB", .left), ("STATUS", .left), ("TARGETS", .right), ("CREATED", .left), ("UPDATED", .left)])
    }

    static func row(_ job: JobSummary) -> [String] {
        [
            job.jobId.description, job.status.description, String(job.targetCount),
            LocalTime.text(job.createdAtMilliseconds), LocalTime.text(job.lastUpdatedAtMilliseconds),
        ]
    }
}
