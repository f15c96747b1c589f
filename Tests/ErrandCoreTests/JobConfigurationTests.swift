import ErrandCore
import Testing

@Suite(.timeLimit(.minutes(1)))
struct JobConfigurationTests {
    static let valid: [JobConfiguration] = [
        JobConfiguration(),
        JobConfiguration(retryCriteria: [RetryCriterion(failureType: .all, numberOfRetries: 10)]),
        // Without an in-progress timer: step timers end executions too.
        JobConfiguration(retryCriteria: [RetryCriterion(failureType: .timedOut, numberOfRetries: 1)]),
        JobConfiguration(retryCriteria: [
            RetryCriterion(failureType: .failed, numberOfRetries: 4),
            RetryCriterion(failureType: .timedOut, numberOfRetries: 6),
        ]),
        JobConfiguration(rollout: RolloutConfig(maximumPerMinute: 1000)),
        JobConfiguration(rollout: exponential(1, 11, .numberOfNotifiedThings(1))),
        JobConfiguration(rollout: exponential(1000, 50, .numberOfSucceededThings(1))),
        JobConfiguration(abortCriteria: [
            AbortCriterion(failureType: .all, thresholdPercentageHundredths: 10_000, minNumberOfExecutedThings: 1)
        ]),
    ]

    static let invalid: [JobConfiguration] = [
        JobConfiguration(inProgressTimeoutInMinutes: 0),
        JobConfiguration(retryCriteria: [RetryCriterion(failureType: .rejected, numberOfRetries: 1)]),
        JobConfiguration(retryCriteria: [RetryCriterion(failureType: .all, numberOfRetries: 11)]),
        JobConfiguration(retryCriteria: [
            RetryCriterion(failureType: .failed, numberOfRetries: 5),
            RetryCriterion(failureType: .timedOut, numberOfRetries: 6),
        ]),
        JobConfiguration(retryCriteria: [
            RetryCriterion(failureType: .failed, numberOfRetries: 1),
            RetryCriterion(failureType: .failed, numberOfRetries: 1),
        ]),
        JobConfiguration(retryCriteria: [
            RetryCriterion(failureType: .all, numberOfRetries: 1),
            RetryCriterion(failureType: .failed, numberOfRetries: 1),
        ]),
        JobConfiguration(rollout: RolloutConfig(maximumPerMinute: 0)),
        JobConfiguration(rollout: RolloutConfig(maximumPerMinute: 1001)),
        JobConfiguration(rollout: exponential(0, 20, .numberOfNotifiedThings(1))),
        JobConfiguration(rollout: exponential(1, 10, .numberOfNotifiedThings(1))),
        JobConfiguration(rollout: exponential(1, 51, .numberOfNotifiedThings(1))),
        JobConfiguration(rollout: exponential(1, 20, .numberOfSucceededThings(0))),
        JobConfiguration(abortCriteria: [
            AbortCriterion(failureType: .all, thresholdPercentageHundredths: 10_001, minNumberOfExecutedThings: 1)
        ]),
        JobConfiguration(abortCriteria: [
            AbortCriterion(failureType: .all, thresholdPercentageHundredths: 1, minNumberOfExecutedThings: 0)
        ]),
    ]

    @Test(arguments: valid)
    func validConfigurationIsTaken(_ configuration: JobConfiguration) throws { try configuration.validate() }

    @Test(arguments: invalid)
    func invalidConfigurationIsRefused(_ configuration: JobConfiguration) {
        #expect(throws: InvalidField.self) { try configuration.validate() }
    }

    @Test func exponentialRateFollowsTheExampleOfTheRules() {
        let rollout = Self.exponential(50, 20, .numberOfNotifiedThings(1000))
        let rates = [0, 999, 1000, 2000, 3000, 9000, .max].map { rollout.rate(notifiedCount: $0, succeededCount: 0) }
        #expect(rates == [50, 50, 100, 200, 400, 1000, 1000])
    }

    @Test func fingerprintsTellEveryFieldApart() throws {
        let job = try JobId("j")
        let thing = try ThingName("t")
        let base = UpdateJobExecutionRequest(jobId: job, thingName: thing, status: .failed)
        var variants = [UpdateJobExecutionRequest](repeating: base, count: 8)
        variants[0].status = .succeeded
        variants[1].statusDetails = StatusDetails()
        variants[2].mergeStatusDetails = true
        variants[3].expectedVersion = 0
        variants[4].executionNumber = 0
        variants[5].stepTimeoutInMinutes = 0
        variants[6].includeJobExecutionState = true
        variants[7].includeJobDocument = true
        let prints = Set(variants.map(\.fingerprint) + [base.fingerprint])
        #expect(prints.count == 9)
        var keyed = base
        keyed.idempotencyKey = .random()
        #expect(keyed.fingerprint == base.fingerprint)
        // Stored with an execution, so it must be the same after every start and in every version.
        #expect(Self.pinned == base.fingerprint)
    }

    private static let pinned: UInt64 = 8_513_065_378_883_748_636

    private static func exponential(
        _ base: UInt32, _ factor: UInt8, _ criterion: RolloutConfig.IncreaseCriterion
    ) -> RolloutConfig {
        RolloutConfig(
            maximumPerMinute: 1000,
            exponentialRate: RolloutConfig.ExponentialRate(
                baseRatePerMinute: base, incrementFactorTenths: factor, increaseCriterion: criterion))
    }
}
