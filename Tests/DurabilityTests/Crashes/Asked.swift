import Dispatch
import ErrandCore

@testable import ErrandStore

/// What a client asks a store in this process, and can ask again.
enum Asked: Sendable {
    case describe(DescribeJobExecutionRequest)
    case command(StoreCommand)

    func fill(_ batch: CommandBatch) {
        switch self {
        case .describe(let request): batch.commands = [.describe(batch.describes.add(request))]
        case .command(let command): batch.commands = [command]
        }
    }
}

extension CommandBatch {
    /// The outcome of its only command; what a describe found comes as the execution that it is.
    var onlyOutcome: StoreOutcome {
        guard case .describe(let call) = commands[0], case .described(let place) = outcomes[0] else {
            return outcomes[0]
        }
        return .execution(describes.view(of: call, at: place))
    }
}

extension DescribeLane {
    fileprivate func view(of call: Call, at place: Int) -> StoredExecutionView {
        let found = self[place]
        let record = ExecutionRecord(
            found.facts,
            withDetails(of: found) { details, count in
                StatusDetails(stored: details.withUnsafeBytes { Array($0) }, count: count)
            })
        return StoredExecutionView(
            jobId: JobId(stored: jobId(of: call)), thingName: ThingName(stored: thingName(of: call)), record: record,
            approximateSecondsBeforeTimedOut: found.approximateSecondsBeforeTimedOut, jobDocument: nil)
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
