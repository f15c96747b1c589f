import ErrandClient

/// Jobs in the words of AWS IoT Jobs.
extension JSONWriter {
    mutating func append(_ job: Job) {
        object { json in
            json.member("jobId", job.jobId.description)
            json.member("status", job.status.description)
            json.member("description", job.description)
            json.member("createdAt", secondsFromMilliseconds: job.createdAtMilliseconds)
            json.member("lastUpdatedAt", secondsFromMilliseconds: job.lastUpdatedAtMilliseconds)
            json.member("completedAt", secondsFromMilliseconds: job.completedAtMilliseconds)
            json.member("reasonCode", job.reasonCode)
            json.member("comment", job.comment)
            json.member("forceCanceled", job.forceCanceled)
            json.append(job.configuration)
            json.member("targetCount", job.targetCount)
            json.member("notYetQueued", job.notYetQueuedCount)
            json.key("jobProcessDetails")
            json.object { json in
                for (status, name) in Self.processDetailNames { json.member(name, job.processDetails[status]) }
            }
            json.key("attempts")
            json.object { json in
                for status in JobExecutionStatus.allCases {
                    json.member(status.description, job.attemptDetails[status])
                }
            }
        }
    }

    private static let processDetailNames: [(JobExecutionStatus, String)] = [
        (.queued, "numberOfQueuedThings"), (.inProgress, "numberOfInProgressThings"),
        (.succeeded, "numberOfSucceededThings"), (.failed, "numberOfFailedThings"),
        (.timedOut, "numberOfTimedOutThings"), (.rejected, "numberOfRejectedThings"),
        (.removed, "numberOfRemovedThings"), (.canceled, "numberOfCanceledThings"),
    ]

    mutating func append(_ job: JobSummary) {
        object { json in
            json.member("jobId", job.jobId.description)
            json.member("status", job.status.description)
            json.member("createdAt", secondsFromMilliseconds: job.createdAtMilliseconds)
            json.member("lastUpdatedAt", secondsFromMilliseconds: job.lastUpdatedAtMilliseconds)
            json.member("completedAt", secondsFromMilliseconds: job.completedAtMilliseconds)
            json.member("targetCount", job.targetCount)
        }
    }

    /// As members of the job; parts that are not configured are left out.
    private mutating func append(_ configuration: JobConfiguration) {
        if let minutes = configuration.inProgressTimeoutInMinutes {
            key("timeoutConfig")
            object { $0.member("inProgressTimeoutInMinutes", minutes) }
        }
        if !configuration.retryCriteria.isEmpty {
            criteriaList(of: "jobExecutionsRetryConfig", configuration.retryCriteria) { json, criterion in
                json.member("failureType", criterion.failureType.description)
                json.member("numberOfRetries", criterion.numberOfRetries)
            }
        }
        if let rollout = configuration.rollout { append(rollout) }
        if !configuration.abortCriteria.isEmpty {
            criteriaList(of: "abortConfig", configuration.abortCriteria) { json, criterion in
                json.member("failureType", criterion.failureType.description)
                json.member("action", "CANCEL")
                json.member("thresholdPercentage", decimal: criterion.thresholdPercentageHundredths, places: 2)
                json.member("minNumberOfExecutedThings", criterion.minNumberOfExecutedThings)
            }
        }
    }

    private mutating func criteriaList<Criterion>(
        of name: String, _ criteria: [Criterion], _ members: (inout JSONWriter, Criterion) -> Void
    ) {
        key(name)
        object { json in
            json.key("criteriaList")
            json.array { json in
                for criterion in criteria { json.object { members(&$0, criterion) } }
            }
        }
    }

    private mutating func append(_ rollout: RolloutConfig) {
        key("jobExecutionsRolloutConfig")
        object { json in
            json.member("maximumPerMinute", rollout.maximumPerMinute)
            guard let rate = rollout.exponentialRate else { return }
            json.key("exponentialRate")
            json.object { json in
                json.member("baseRatePerMinute", rate.baseRatePerMinute)
                json.member("incrementFactor", decimal: UInt32(rate.incrementFactorTenths), places: 1)
                json.key("rateIncreaseCriteria")
                json.object { json in
                    switch rate.increaseCriterion {
                    case .numberOfNotifiedThings(let count): json.member("numberOfNotifiedThings", count)
                    case .numberOfSucceededThings(let count): json.member("numberOfSucceededThings", count)
                    }
                }
            }
        }
    }
}
