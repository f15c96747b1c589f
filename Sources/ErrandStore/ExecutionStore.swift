/// Where executions live: takes a batch of commands and answers when what it shows is durable.
///
/// The protocol fits an embedded store, which decides inline under its own locks and may answer before `submit`
/// returns, and a store on a SQL engine, which decides in a transaction later. A reply never shows what is not durable.
package protocol ExecutionStore: Sendable {
    /// Decides the commands of `batch` in order, fills in its outcomes, one for each command and in the same place,
    /// and calls `batch.complete()` exactly once, on any thread, when everything that the outcomes show is durable.
    ///
    /// The caller has validated every field, and keeps its hands off the batch until it is complete.
    /// Commands of batches submitted one after the other from one thread take effect in that order.
    func submit(_ batch: CommandBatch, at nowMilliseconds: Int64)

    /// Does what time brings: ends executions whose deadline has come, queues the next things of large jobs, drops
    /// staged jobs that nobody finishes. Does at most about `limit` changes, so that it never blocks for long.
    func advance(to nowMilliseconds: Int64, limit: Int) -> AdvanceResult

    /// Called, on any thread, whenever something becomes due earlier than the last `AdvanceResult` said.
    func onEarlierDue(_ notify: @escaping @Sendable (_ dueMilliseconds: Int64) -> Void)

    /// What changes, for those who watch. A change is in it, and its sinks have been told, before the batch that made
    /// it is complete.
    var changes: ChangeFeed { get }

    /// For ServerInfo.
    var counts: StoreCounts { get }

    /// What can wait, to be called about once a minute. Does not block.
    func tend(at nowMilliseconds: Int64)

    /// Stores all that was decided, and lets go of files. Nothing may be submitted any more. Blocks; says in one line what
    /// went wrong.
    func close() -> String?
}

extension ExecutionStore {
    package func tend(at nowMilliseconds: Int64) {}
    package func close() -> String? { nil }
}

package struct AdvanceResult: Sendable, Equatable {
    /// When to call `advance` again; nothing if nothing waits. In the past or now when the limit cut it short.
    package var nextDueMilliseconds: Int64?
    package var timedOutCount: Int
    package var queuedCount: Int

    package init(nextDueMilliseconds: Int64? = nil, timedOutCount: Int = 0, queuedCount: Int = 0) {
        self.nextDueMilliseconds = nextDueMilliseconds
        self.timedOutCount = timedOutCount
        self.queuedCount = queuedCount
    }
}

package struct StoreCounts: Sendable, Equatable {
    package var jobCount: UInt64
    package var executionCount: UInt64

    package init(jobCount: UInt64, executionCount: UInt64) {
        self.jobCount = jobCount
        self.executionCount = executionCount
    }
}
