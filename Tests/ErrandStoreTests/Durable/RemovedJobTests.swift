import ErrandCore
import Synchronization
import Testing

@testable import ErrandStore

@Suite(.timeLimit(.minutes(1)))
struct RemovedJobTests {
    /// A checkpoint has a list of the jobs, and writes one after the other. What it still writes of a job that goes
    /// meanwhile has to go too.
    @Test func nothingStaysOfAJobThatGoesBeforeItIsWritten() throws {
        let directory = TemporaryStore(isOnDisk: false)
        let store = try DurableExecutionStore(
            try directory.open(), rules: ExecutionRules(), limits: StoreLimits(), at: 0, stripeCount: 1)
        for name in ["j", "k"] {
            // Both wait for another target, and can so be dropped.
            let request = CreateJobRequest(
                jobId: try JobId(name), document: "{}", targetCount: 2, targets: [try ThingName("t")])
            #expect(StoreDriver(store).outcome(of: .createJob(request), at: 1).receipt?.isComplete == false)
        }
        let memory = store.memory
        let droppedCount = Mutex(0)
        var checkpoint = StoreCheckpoint(
            store: memory, committer: store.committer, journalStart: (sequence: 0, revision: 0),
            isEnding: {
                // Asked after each job: the first one has been captured, and the other one not.
                let count = memory.jobs.withLock { $0.dropAbandoned(at: .max, limit: .max) }
                droppedCount.withLock { $0 += count }
                return false
            }, pause: { false })
        let outcome = checkpoint.run(through: store.committer.durablePoint)
        #expect(outcome.hasMoved && outcome.rowCount == 4)
        #expect(droppedCount.withLock { $0 } == 2)
        // Now that their end is durable, the next one takes their rows away.
        #expect(store.checkpoint() == nil)
        #expect(store.stop() == nil)
        let database = try directory.open()
        #expect(database.statistics().jobCount == 0 && database.statistics().targetChunkCount == 0)
        #expect(database.verify() == [])
    }
}
