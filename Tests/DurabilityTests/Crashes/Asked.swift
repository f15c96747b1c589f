import Dispatch
import ErrandCore

@testable import ErrandStore

/// What a client asks a store in this process, and can ask again.
enum Asked: Sendable {
    case describe(DescribeJobExecutionRequest)
    case command(StoreCommand)

    func fill(_ batch: CommandBatch) {
        switch self {
        case .describe(let request): batch.add(request)
        case .command(let command): batch.commands = [command]
        }
    }
}

extension CommandBatch {
    /// The outcome of its only command; what a describe found comes as the execution that it is.
    var onlyOutcome: StoreOutcome {
        guard case .describe(let run) = commands[0], case .described = outcomes[0] else { return outcomes[0] }
        return describes.outcome(of: run.lowerBound)
    }
}

extension DescribeLane {
    fileprivate func outcome(of place: Int) -> StoreOutcome {
        guard let found = self[place] else {
            return .refused(refusal(of: place) ?? Refusal(.internalError, "neither found nor refused"))
        }
        let record = ExecutionRecord(
            found.facts,
            withDetails(of: found) { details, count in
                StatusDetails(stored: details.withUnsafeBytes { Array($0) }, count: count)
            })
        return .execution(
            StoredExecutionView(
                jobId: JobId(stored: jobId(of: place)), thingName: ThingName(stored: thingName(of: place)), record: record,
                approximateSecondsBeforeTimedOut: found.approximateSecondsBeforeTimedOut, jobDocument: nil))
    }
}

extension DurableExecutionStore {
    /// Asks and waits for the answer.
    func outcome(of asked: Asked, at now: Int64) -> StoreOutcome {
        let done = DispatchSemaphore(value: 0)
        let batch = CommandBatch { _ in done.signal() }
        asked.fill(batch)
        submit(batch, at: now)
        done.wait()
        return batch.onlyOutcome
    }
}
