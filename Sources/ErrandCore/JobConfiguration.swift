/// Which ends of an execution count as a failure (SPEC §8.6).
public enum FailureType: UInt8, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    case failed = 1
    case rejected = 2
    case timedOut = 3
    case all = 4

    public var description: String {
        switch self {
        case .failed: "FAILED"
        case .rejected: "REJECTED"
        case .timedOut: "TIMED_OUT"
        case .all: "ALL"
        }
    }

    /// Whether an execution that ended so counts.
    package func covers(_ status: JobExecutionStatus) -> Bool {
        switch status {
        case .failed: self == .failed || self == .all
        case .rejected: self == .rejected || self == .all
        case .timedOut: self == .timedOut || self == .all
        default: false
        }
    }
}

/// How often a failed execution of a thing is queued again (SPEC §8.6): FAILED, TIMED_OUT or ALL, 0 to 10 times.
public struct RetryCriterion: Sendable, Hashable {
    public var failureType: FailureType
    public var numberOfRetries: UInt8

    public init(failureType: FailureType, numberOfRetries: UInt8) {
        self.failureType = failureType
        self.numberOfRetries = numberOfRetries
    }
}

/// How many things of a job get their execution queued in any minute (SPEC §8.6).
public struct RolloutConfig: Sendable, Hashable {
    /// 1 to 1,000.
    public var maximumPerMinute: UInt32
    public var exponentialRate: ExponentialRate?

    public init(maximumPerMinute: UInt32, exponentialRate: ExponentialRate? = nil) {
        self.maximumPerMinute = maximumPerMinute
        self.exponentialRate = exponentialRate
    }

    public struct ExponentialRate: Sendable, Hashable {
        /// Where the rate begins, 1 to 1,000 a minute.
        public var baseRatePerMinute: UInt32
        /// What the rate is multiplied by, in tenths: 11 to 50 stand for 1.1 to 5.
        public var incrementFactorTenths: UInt8
        public var increaseCriterion: IncreaseCriterion

        public init(baseRatePerMinute: UInt32, incrementFactorTenths: UInt8, increaseCriterion: IncreaseCriterion) {
            self.baseRatePerMinute = baseRatePerMinute
            self.incrementFactorTenths = incrementFactorTenths
            self.increaseCriterion = increaseCriterion
        }
    }

    /// How many things may be queued in a minute when so many have been queued and have succeeded.
    package func rate(notifiedCount: UInt32, succeededCount: UInt32) -> UInt32 {
        guard let exponentialRate else { return maximumPerMinute }
        var increases =
            switch exponentialRate.increaseCriterion {
            case .numberOfNotifiedThings(let count): notifiedCount / max(1, count)
            case .numberOfSucceededThings(let count): succeededCount / max(1, count)
            }
        let factor = Double(exponentialRate.incrementFactorTenths) / 10
        var rate = Double(exponentialRate.baseRatePerMinute)
        let maximum = Double(maximumPerMinute)
        // A factor of 1.1 passes 1,000 after 73 steps, so this ends soon however many increases there are.
        while increases > 0, rate < maximum, factor > 1 {
            rate *= factor
            increases -= 1
        }
        // A product like 1.1 × 10 lies a hair below its true value; the reader of the rule counts 11.
        return max(1, UInt32(min(rate, maximum) + 1e-6))
    }

    /// The rate rises each time this many more things have been notified, or have succeeded; at least 1.
    public enum IncreaseCriterion: Sendable, Hashable {
        case numberOfNotifiedThings(UInt32)
        case numberOfSucceededThings(UInt32)
    }
}

/// When too many things fail the job is canceled (SPEC §8.6).
public struct AbortCriterion: Sendable, Hashable {
    public var failureType: FailureType
    /// In hundredths of a percent, 0 to 10,000.
    public var thresholdPercentageHundredths: UInt32
    /// Nothing is judged before this many things have finished; at least 1.
    public var minNumberOfExecutedThings: UInt32

    public init(failureType: FailureType, thresholdPercentageHundredths: UInt32, minNumberOfExecutedThings: UInt32) {
        self.failureType = failureType
        self.thresholdPercentageHundredths = thresholdPercentageHundredths
        self.minNumberOfExecutedThings = minNumberOfExecutedThings
    }

    /// Whether the job is to be aborted now.
    package func fires(failedCount: UInt32, executedCount: UInt32) -> Bool {
        guard executedCount >= minNumberOfExecutedThings, executedCount > 0 else { return false }
        return UInt64(failedCount) * 10_000 >= UInt64(thresholdPercentageHundredths) * UInt64(executedCount)
    }
}

/// What a job insists on besides its document (SPEC §8.6). Absent parts mean: no timer, no retry, no rate, no abort.
public struct JobConfiguration: Sendable, Hashable {
    public var inProgressTimeoutInMinutes: Int64?
    /// Up to 2.
    public var retryCriteria: [RetryCriterion]
    public var rollout: RolloutConfig?
    public var abortCriteria: [AbortCriterion]

    public init(
        inProgressTimeoutInMinutes: Int64? = nil, retryCriteria: [RetryCriterion] = [],
        rollout: RolloutConfig? = nil, abortCriteria: [AbortCriterion] = []
    ) {
        self.inProgressTimeoutInMinutes = inProgressTimeoutInMinutes
        self.retryCriteria = retryCriteria
        self.rollout = rollout
        self.abortCriteria = abortCriteria
    }
}
