import ErrandCore
import ErrandWire

func field(_ value: [AbortCriterion]) -> JSONValue {
    .array(
        value.map { criterion in
            .object([
                "failureType": field(criterion.failureType.description),
                "thresholdPercentageHundredths": field(criterion.thresholdPercentageHundredths),
                "minNumberOfExecutedThings": field(criterion.minNumberOfExecutedThings),
            ])
        })
}

/// The configuration block (SPEC §8.6): always listed, its absent parts left out.
func configurationField(_ retryCriteria: [RetryCriterion], _ rollout: RolloutConfig?) -> JSONValue {
    var fields: Fields = [:]
    if !retryCriteria.isEmpty {
        fields["retryCriteria"] = .array(
            retryCriteria.map { criterion in
                .object([
                    "failureType": field(criterion.failureType.description),
                    "numberOfRetries": field(criterion.numberOfRetries),
                ])
            })
    }
    fields.list("rollout", rollout) { rollout in
        var fields: Fields = ["maximumPerMinute": field(rollout.maximumPerMinute)]
        fields.list("exponentialRate", rollout.exponentialRate) { .object($0.vectorFields) }
        return .object(fields)
    }
    return .object(fields)
}

extension RolloutConfig.ExponentialRate {
    fileprivate var vectorFields: Fields {
        let (criterion, threshold) =
            switch increaseCriterion {
            case .numberOfNotifiedThings(let count): ("numberOfNotifiedThings", count)
            case .numberOfSucceededThings(let count): ("numberOfSucceededThings", count)
            }
        return [
            "baseRatePerMinute": field(baseRatePerMinute), "incrementFactorTenths": field(incrementFactorTenths),
            "increaseCriterion": field(criterion), "increaseThreshold": field(threshold),
        ]
    }
}

extension CancelJobRequest {
    var vectorFields: Fields {
        var fields: Fields = ["force": field(force), "jobId": field(jobId)]
        fields.list("idempotencyKey", idempotencyKey, field)
        fields.list("reasonCode", reasonCode, field)
        fields.list("comment", comment, field)
        return fields
    }
}

extension DeleteJobRequest {
    var vectorFields: Fields {
        var fields: Fields = ["force": field(force), "jobId": field(jobId)]
        fields.list("idempotencyKey", idempotencyKey, field)
        return fields
    }
}

extension UpdateJobRequest {
    var vectorFields: Fields {
        var fields: Fields = [
            "configuration": configurationField([], rollout), "endsRetries": field(endsRetries),
            "jobId": field(jobId),
        ]
        fields.list("inProgressTimeoutInMinutes", inProgressTimeoutInMinutes, field)
        fields.list("idempotencyKey", idempotencyKey, field)
        fields.list("description", description, field)
        fields.list("abortCriteria", abortCriteria, field)
        return fields
    }
}

extension RemoveJobTargetsRequest {
    var vectorFields: Fields {
        var fields: Fields = ["jobId": field(jobId), "targets": .array(targets.map { field($0) })]
        fields.list("idempotencyKey", idempotencyKey, field)
        return fields
    }
}

extension JobDocumentReply {
    var vectorFields: Fields { ["document": field(document)] }
}

extension RemovedTargets {
    var vectorFields: Fields { ["removedCount": field(removedCount)] }
}

extension Done {
    var vectorFields: Fields { [:] }
}
