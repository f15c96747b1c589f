import ErrandCore
import Synchronization
import Testing

@testable import ErrandStore

/// A checkpoint has written rows and does not come to its end.
@Suite(.timeLimit(.minutes(1)))
struct InterruptedCheckpointTests {
    /// Only the end of a checkpoint stored how far the numbers went that order the executions of a thing. With rows of one
    /// that never ended, a new execution got the number of one that was not in memory, and no list showed both.
    @Test func whatIsNewOnAThingComesAfterRowsThatNoCheckpointEnded() throws {
        let directory = TemporaryDirectory(isOnDisk: false)
        let rules = ExecutionRules()
        let store = try DurableExecutionStore(directory: directory.path, rules: rules, at: 1)
        let thing = try ThingName("t")
        Self.create(try JobId("old"), on: thing, store, at: 1)
        for status in [JobExecutionStatus.inProgress, .succeeded] {
            let report = UpdateJobExecutionRequest(jobId: try JobId("old"), thingName: thing, status: status)
            guard case .changed = store.outcome(of: .command(.update(report)), at: 2) else {
                Issue.record("no change to \(status)")
                return
            }
        }
        var checkpoint = StoreCheckpoint(
            store: store.memory, committer: store.committer, journalStart: (sequence: 0, revision: 0),
            isStopping: { true }, pause: { false })
        let outcome = checkpoint.run(through: store.committer.durablePoint)
        #expect(outcome.fault == .stopped && !outcome.hasMoved && outcome.rowCount == 3)
        let image = directory.image()
        #expect(store.stop() == nil)

        let copy = try image.directory()
        let opened = try DurableExecutionStore(directory: copy.path, rules: rules, at: 3)
        #expect(opened.checkpoint() == nil)
        #expect(opened.stop() == nil)
        let later = try DurableExecutionStore(
            directory: copy.path, rules: rules, at: 1000, finishedRetentionMilliseconds: 0)
        // The old one has stayed in the tables.
        #expect(later.memory.stripes.allSatisfy { $0.content.withLock { $0.executionCount } == 0 })
        Self.create(try JobId("new"), on: thing, later, at: 1000)
        let list = later.outcome(
            of: .command(.listForThing(ListJobExecutionsForThingRequest(thingName: thing))), at: 1000)
        guard case .page(let page) = list else {
            Issue.record("\(list)")
            return
        }
        #expect(page.executions.map(\.jobId.description) == ["new", "old"])
        #expect(later.stop() == nil)
    }

    private static func create(_ job: JobId, on thing: ThingName, _ store: DurableExecutionStore, at now: Int64) {
        let request = CreateJobRequest(jobId: job, document: "{}", targetCount: 1, targets: [thing])
        guard case .refused(let refusal) = store.outcome(of: .command(.createJob(request)), at: now) else { return }
        Issue.record("\(refusal)")
    }
}
