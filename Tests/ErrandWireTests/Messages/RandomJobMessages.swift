import ErrandCore
import ErrandWire

/// The parts and the messages of job operations, and of history.
extension MessageMaker {
    mutating func counts() -> JobProcessDetails {
        var details = JobProcessDetails()
        for status in JobExecutionStatus.allCases { details[status] = short() }
        return details
    }

    mutating func failureType() -> FailureType { FailureType.allCases[below(FailureType.allCases.count)] }

    mutating func rollout() -> RolloutConfig {
        RolloutConfig(
            maximumPerMinute: short(),
            exponentialRate: optional { maker in
                RolloutConfig.ExponentialRate(
                    baseRatePerMinute: maker.short(),
                    incrementFactorTenths: UInt8.random(in: .min ... .max, using: &maker.generator),
                    increaseCriterion: maker.flag()
                        ? .numberOfNotifiedThings(maker.short()) : .numberOfSucceededThings(maker.short()))
            })
    }

    mutating func aborts() -> [AbortCriterion] {
        (0..<below(5)).map { _ in
            AbortCriterion(
                failureType: failureType(), thresholdPercentageHundredths: short(),
                minNumberOfExecutedThings: short())
        }
    }

    mutating func configuration() -> JobConfiguration {
        JobConfiguration(
            inProgressTimeoutInMinutes: optional { $0.number() },
            retryCriteria: (0..<below(FieldLimits.retryCriterionCountMax + 1)).map { _ in
                RetryCriterion(
                    failureType: failureType(), numberOfRetries: UInt8.random(in: .min ... .max, using: &generator))
            },
            rollout: optional { $0.rollout() }, abortCriteria: aborts())
    }

    mutating func cancelJob() throws -> CancelJobRequest {
        CancelJobRequest(
            jobId: try jobId(), force: flag(), reasonCode: optional { $0.text(20) }, comment: optional { $0.text(50) },
            idempotencyKey: optional { $0.key() })
    }

    mutating func deleteJob() throws -> DeleteJobRequest {
        DeleteJobRequest(jobId: try jobId(), force: flag(), idempotencyKey: optional { $0.key() })
    }

    mutating func updateJob() throws -> UpdateJobRequest {
        UpdateJobRequest(
            jobId: try jobId(), description: optional { $0.text(50) },
            inProgressTimeoutInMinutes: optional { $0.number() }, rollout: optional { $0.rollout() },
            abortCriteria: optional { $0.aborts() }, endsRetries: flag(), idempotencyKey: optional { $0.key() })
    }

    mutating func jobStatus() -> JobStatus { JobStatus.allCases[below(JobStatus.allCases.count)] }

    mutating func listJobs() -> ListJobsRequest {
        ListJobsRequest(
            status: optional { $0.jobStatus() }, maxResults: optional { $0.short() }, nextToken: optional { $0.token() }
        )
    }

    mutating func jobPage() throws -> JobPage {
        JobPage(
            jobs: try (0..<below(6)).map { _ in
                JobSummary(
                    jobId: try jobId(), status: jobStatus(), createdAtMilliseconds: number(),
                    lastUpdatedAtMilliseconds: number(), completedAtMilliseconds: optional { $0.number() },
                    targetCount: short())
            }, nextToken: optional { $0.token() })
    }

    mutating func removeTargets() throws -> RemoveJobTargetsRequest {
        RemoveJobTargetsRequest(
            jobId: try jobId(), targets: try (0..<below(20)).map { _ in try thingName() },
            idempotencyKey: optional { $0.key() })
    }

    mutating func deleteExecution() throws -> DeleteJobExecutionRequest {
        DeleteJobExecutionRequest(
            jobId: try jobId(), thingName: try thingName(), executionNumber: number(), force: flag(),
            idempotencyKey: optional { $0.key() })
    }

    mutating func getHistory() throws -> GetJobExecutionHistoryRequest {
        GetJobExecutionHistoryRequest(
            jobId: try jobId(), thingName: try thingName(), executionNumber: optional { $0.number() },
            maxResults: optional { $0.short() }, nextToken: optional { $0.token() })
    }

    mutating func history() throws -> JobExecutionHistoryPage {
        JobExecutionHistoryPage(
            entries: try (0..<below(6)).map { _ in
                JobExecutionHistoryEntry(
                    kind: flag() ? .change : .refusedReport, actor: [.device, .fleetOperator, .service][below(3)],
                    atMilliseconds: number(), fromStatus: optional { $0.status() }, toStatus: status(),
                    versionNumber: number(), statusDetails: try details())
            }, droppedCount: short(), nextToken: optional { $0.token() })
    }
}
