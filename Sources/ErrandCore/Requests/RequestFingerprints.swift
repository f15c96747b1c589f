/// What two requests with the same idempotency key are compared by: every field but the key.

extension UpdateJobExecutionRequest {
    package var fingerprint: UInt64 {
        var print = Fingerprint(call: 1)
        print.combine(jobId.text.bytes)
        print.combine(thingName.text.bytes)
        print.combine(UInt64(status.rawValue))
        print.combine(statusDetails)
        print.combine(mergeStatusDetails)
        print.combine(expectedVersion)
        print.combine(executionNumber)
        print.combine(stepTimeoutInMinutes)
        print.combine(includeJobExecutionState)
        print.combine(includeJobDocument)
        return print.value
    }
}

extension CancelJobExecutionRequest {
    package var fingerprint: UInt64 {
        var print = Fingerprint(call: 2)
        print.combine(jobId.text.bytes)
        print.combine(thingName.text.bytes)
        print.combine(force)
        print.combine(expectedVersion)
        print.combine(executionNumber)
        print.combine(statusDetails)
        return print.value
    }
}

extension StartNextPendingJobExecutionRequest {
    package var fingerprint: UInt64 {
        var print = Fingerprint(call: 3)
        print.combine(thingName.text.bytes)
        print.combine(statusDetails)
        print.combine(stepTimeoutInMinutes)
        return print.value
    }
}

extension CancelJobRequest {
    package var fingerprint: UInt64 {
        var print = Fingerprint(call: 4)
        print.combine(jobId.text.bytes)
        print.combine(force)
        print.combine(reasonCode)
        print.combine(comment)
        return print.value
    }
}

extension DeleteJobRequest {
    package var fingerprint: UInt64 {
        var print = Fingerprint(call: 5)
        print.combine(jobId.text.bytes)
        print.combine(force)
        return print.value
    }
}

extension UpdateJobRequest {
    package var fingerprint: UInt64 {
        var print = Fingerprint(call: 6)
        print.combine(jobId.text.bytes)
        print.combine(description)
        print.combine(inProgressTimeoutInMinutes)
        print.combine(rollout != nil)
        if let rollout { rollout.combine(into: &print) }
        print.combine(abortCriteria != nil)
        if let abortCriteria {
            print.combine(UInt64(abortCriteria.count))
            for criterion in abortCriteria {
                print.combine(UInt64(criterion.failureType.rawValue))
                print.combine(UInt64(criterion.thresholdPercentageHundredths))
                print.combine(UInt64(criterion.minNumberOfExecutedThings))
            }
        }
        print.combine(endsRetries)
        return print.value
    }
}

extension RolloutConfig {
    fileprivate func combine(into print: inout Fingerprint) {
        print.combine(UInt64(maximumPerMinute))
        print.combine(exponentialRate != nil)
        guard let rate = exponentialRate else { return }
        print.combine(UInt64(rate.baseRatePerMinute))
        print.combine(UInt64(rate.incrementFactorTenths))
        switch rate.increaseCriterion {
        case .numberOfNotifiedThings(let count):
            print.combine(1 as UInt64)
            print.combine(UInt64(count))
        case .numberOfSucceededThings(let count):
            print.combine(2 as UInt64)
            print.combine(UInt64(count))
        }
    }
}

extension RemoveJobTargetsRequest {
    package var fingerprint: UInt64 {
        var print = Fingerprint(call: 7)
        print.combine(jobId.text.bytes)
        print.combine(UInt64(targets.count))
        for target in targets { print.combine(target.text.bytes) }
        return print.value
    }
}

extension DeleteJobExecutionRequest {
    package var fingerprint: UInt64 {
        var print = Fingerprint(call: 8)
        print.combine(jobId.text.bytes)
        print.combine(thingName.text.bytes)
        print.combine(executionNumber)
        print.combine(force)
        return print.value
    }
}
