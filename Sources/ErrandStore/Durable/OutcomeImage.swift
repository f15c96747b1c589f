import ErrandCore

/// Outcomes that are remembered with an idempotency key, of calls on a job as a whole and of deletions.
extension JournalBuffer {
    mutating func append(_ outcomes: RememberedOutcomes) {
        append(UInt32(truncatingIfNeeded: outcomes.count))
        outcomes.forEach { key, fingerprint, outcome in
            append(key)
            append(fingerprint)
            append(outcome)
        }
    }

    mutating func append(_ outcome: StoreOutcome) {
        switch outcome {
        case .job(let job):
            append(UInt8(1))
            append(job)
        case .jobDeleted(let isComplete):
            append(UInt8(2))
            append(flag: isComplete)
        case .executionDeleted: append(UInt8(3))
        case .targetsRemoved(let count):
            append(UInt8(4))
            append(count)
        // Nothing else is ever remembered.
        default: append(UInt8(0))
        }
    }

    private mutating func append(_ job: Job) {
        append(name: job.jobId.bytes)
        append(optional: job.description)
        append(job.status.rawValue)
        append(job.createdAtMilliseconds)
        append(job.lastUpdatedAtMilliseconds)
        append(optional: job.completedAtMilliseconds)
        append(job.configuration)
        append(optional: job.reasonCode)
        append(optional: job.comment)
        append(flag: job.forceCanceled)
        append(job.targetCount)
        append(job.notYetQueuedCount)
        append(job.processDetails)
        append(job.attemptDetails)
    }
}

extension RecordReader {
    /// Those of `append`, remembered in the same order.
    mutating func outcomes(into outcomes: inout RememberedOutcomes) throws(StorageFault) {
        for _ in 0..<(try integer(UInt32.self)) {
            let (key, fingerprint) = (try key(), try integer(UInt64.self))
            outcomes.remember(key, fingerprint, try outcome())
        }
    }

    mutating func outcome() throws(StorageFault) -> StoreOutcome {
        switch try byte() {
        case 1: .job(try job())
        case 2: .jobDeleted(isComplete: try flag())
        case 3: .executionDeleted
        case 4: .targetsRemoved(count: try integer())
        default: throw malformed("no such outcome")
        }
    }

    private mutating func job() throws(StorageFault) -> Job {
        Job(
            jobId: try jobId(), description: try optionalText(), status: try jobStatus(),
            createdAtMilliseconds: try integer(), lastUpdatedAtMilliseconds: try integer(),
            completedAtMilliseconds: try optional(), configuration: try configuration(), reasonCode: try optionalText(),
            comment: try optionalText(), forceCanceled: try flag(), targetCount: try integer(),
            notYetQueuedCount: try integer(), processDetails: try counts(), attemptDetails: try counts())
    }
}
