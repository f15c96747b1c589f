import Dispatch
import ErrandCore
import Synchronization
import Testing

@testable import ErrandStore

/// A checkpoint writes the rows of jobs before those of executions, which may so know more than their job.
@Suite(.timeLimit(.minutes(1)))
struct NewerRowTests {
    private static let rules = ExecutionRules()

    /// Found by `CheckpointCrashTests`: the replay gave the execution a second slot, and the first one stayed for ever.
    @Test(arguments: [false, true])
    func anExecutionWhoseRowIsNewerThanItsJobIsThereOnce(asRetry: Bool) throws {
        let directory = TemporaryDirectory(isOnDisk: false)
        let store = try DurableExecutionStore(directory: directory.path, rules: Self.rules, at: 1)
        let (job, thing) = (try JobId("j"), try ThingName("second"))
        var configuration = JobConfiguration()
        configuration.retryCriteria = [RetryCriterion(failureType: .failed, numberOfRetries: 1)]
        configuration.rollout = asRetry ? nil : RolloutConfig(maximumPerMinute: 1)
        let create = CreateJobRequest(
            jobId: job, document: "{}", configuration: configuration, targetCount: 2,
            targets: [try ThingName("first"), thing])
        _ = store.outcome(of: .command(.createJob(create)), at: 1)
        #expect(store.checkpoint() == nil)
        // Queued when the job's row is written already.
        if asRetry {
            let report = UpdateJobExecutionRequest(jobId: job, thingName: thing, status: .failed)
            _ = store.outcome(of: .command(.update(report)), at: 2)
        } else {
            #expect(store.advance(to: 61_000, limit: 10).queuedCount == 1)
        }
        let image = try Self.imageAfterWritingExecutions(of: store, directory)
        #expect(store.stop() == nil)
        let copy = try image.directory()
        let opened = try DurableExecutionStore(directory: copy.path, rules: Self.rules, at: 61_000)
        let list = opened.outcome(
            of: .command(.listForThing(ListJobExecutionsForThingRequest(thingName: thing))), at: 61_000)
        guard case .page(let page) = list else { throw StorageFault.stopped }
        #expect(page.executions.map(\.executionNumber) == (asRetry ? [2, 1] : [1]))
        #expect(opened.counts.executionCount == (asRetry ? 3 : 2))
        // And once it is deleted it is gone.
        _ = opened.outcome(of: .command(.deleteJob(DeleteJobRequest(jobId: job, force: true))), at: 61_001)
        opened.catchUp(to: 61_001)
        #expect(opened.counts.executionCount == 0)
        #expect(opened.stop() == nil)
    }

    /// What a checkpoint does between the rows of jobs and its end.
    private static func imageAfterWritingExecutions(
        of store: DurableExecutionStore, _ directory: TemporaryDirectory
    ) throws -> StoreImage {
        var slice = CheckpointSlice()
        var greatest: UInt32 = 0
        for stripe in store.memory.stripes {
            stripe.content.withLock { stripe in
                var rows: [DirtyRow] = []
                stripe.takeDirty(into: &rows)
                for row in rows { stripe.capture(row, into: &slice, &greatest) }
            }
        }
        let written = slice
        let done = DispatchSemaphore(value: 0)
        let image = ImageBox()
        store.committer.whenDurable(written.sequence) { _ in
            store.committer.performBetweenGroups { (database) throws(StorageFault) in
                defer { done.signal() }
                try database.fold { (transaction) throws(StorageFault) in try written.put(transaction) }
                image.take(directory)
            }
        }
        done.wait()
        return try #require(image.image)
    }
}
