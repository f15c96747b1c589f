import ErrandCore

/// What a job insists on, as bytes.
extension JournalBuffer {
    mutating func append(_ configuration: JobConfiguration) {
        append(optional: configuration.inProgressTimeoutInMinutes)
        append(UInt8(truncatingIfNeeded: configuration.retryCriteria.count))
        for criterion in configuration.retryCriteria {
            append(criterion.failureType.rawValue)
            append(criterion.numberOfRetries)
        }
        append(flag: configuration.rollout != nil)
        if let rollout = configuration.rollout { append(rollout) }
        append(UInt32(truncatingIfNeeded: configuration.abortCriteria.count))
        for criterion in configuration.abortCriteria {
            append(criterion.failureType.rawValue)
            append(criterion.thresholdPercentageHundredths)
            append(criterion.minNumberOfExecutedThings)
        }
    }

    private mutating func append(_ rollout: RolloutConfig) {
        append(rollout.maximumPerMinute)
        append(flag: rollout.exponentialRate != nil)
        guard let rate = rollout.exponentialRate else { return }
        append(rate.baseRatePerMinute)
        append(rate.incrementFactorTenths)
        switch rate.increaseCriterion {
        case .numberOfNotifiedThings(let count):
            append(UInt8(1))
            append(count)
        case .numberOfSucceededThings(let count):
            append(UInt8(2))
            append(count)
        }
    }

    mutating func append(_ counts: JobProcessDetails) {
        for status in JobExecutionStatus.allCases { append(counts[status]) }
    }
}

extension RecordReader {
    mutating func configuration() throws(StorageFault) -> JobConfiguration {
        var configuration = JobConfiguration(inProgressTimeoutInMinutes: try optional())
        for _ in 0..<(try byte()) {
            configuration.retryCriteria.append(
                RetryCriterion(failureType: try failureType(), numberOfRetries: try byte()))
        }
        if try flag() { configuration.rollout = try rollout() }
        for _ in 0..<(try integer(UInt32.self)) {
            configuration.abortCriteria.append(
                AbortCriterion(
                    failureType: try failureType(), thresholdPercentageHundredths: try integer(),
                    minNumberOfExecutedThings: try integer()))
        }
        guard configuration.retryCriteria.count <= FieldLimits.retryCriterionCountMax,
            configuration.retryCriteria.allSatisfy({ $0.numberOfRetries <= FieldLimits.numberOfRetriesMax }),
            configuration.abortCriteria.count <= FieldLimits.abortCriterionCountMax,
            1...FieldLimits.timeoutInMinutesMax ~= configuration.inProgressTimeoutInMinutes ?? 1
        else { throw malformed("no such configuration") }
        return configuration
    }

    /// The sum of all fits 32 bits too, as those who add them up expect.
    mutating func counts() throws(StorageFault) -> JobProcessDetails {
        var counts = JobProcessDetails()
        for status in JobExecutionStatus.allCases { counts[status] = try integer() }
        guard counts.isPlausible else { throw malformed("a count is out of range") }
        return counts
    }

    private mutating func failureType() throws(StorageFault) -> FailureType {
        guard let type = FailureType(rawValue: try byte()) else { throw malformed("no such failure type") }
        return type
    }

    private mutating func rollout() throws(StorageFault) -> RolloutConfig {
        var rollout = RolloutConfig(maximumPerMinute: try integer())
        guard try flag() else { return rollout }
        let (base, tenths) = (try integer(UInt32.self), try byte())
        let isOfNotified = try byte() == 1
        let count = try integer(UInt32.self)
        // Without these bounds the rate would take for ever to be worked out.
        guard base > 0, FieldLimits.incrementFactorTenths.contains(tenths), count > 0 else {
            throw malformed("no such rate")
        }
        rollout.exponentialRate = RolloutConfig.ExponentialRate(
            baseRatePerMinute: base, incrementFactorTenths: tenths,
            increaseCriterion: isOfNotified ? .numberOfNotifiedThings(count) : .numberOfSucceededThings(count))
        return rollout
    }
}

extension JobProcessDetails {
    /// One less. Never below 0, which only counts that no store wrote could lead to: they must not end the process.
    mutating func takeOne(_ status: JobExecutionStatus) {
        if self[status] > 0 { self[status] &-= 1 }
    }

    /// Whether so many can be: no store has a billion executions of one job, and counts never go below 0.
    var isPlausible: Bool {
        JobExecutionStatus.allCases.reduce(0 as UInt64) { $0 + UInt64(self[$1]) } < 1 << 30
    }
}
