import ErrandCore
import Testing

@testable import ErrandStore

@Suite(.timeLimit(.minutes(1)))
struct FailedGroupTests {
    /// Of a group that could not be stored, refusals too may say what is lost: the state of an execution, or that it is gone.
    @Test func nothingOfItIsShown() throws {
        let job = try JobId("j"), thing = try ThingName("t")
        let batch = CommandBatch { _ in }
        batch.add(DescribeJobExecutionRequest(jobId: job, thingName: thing))
        batch.describes.keep(ExecutionRecord(executionNumber: 1, queuedAtMilliseconds: 0), at: 0, of: 0)
        batch.commands += [
            .describeOwn(DescribeOwnJobExecutionRequest(jobId: job, thingName: thing)),
            .update(UpdateJobExecutionRequest(jobId: job, thingName: thing, status: .succeeded)),
        ]
        let lost = Refusal(.terminalState, "the execution is SUCCEEDED")
        batch.outcomes = [.described, .refused(lost), .refused(lost)]
        #expect(batch.describes.refusal(of: 0) == nil)
        batch.failed(.stopped)
        #expect(batch.describes[0] == nil && batch.describes.refusal(of: 0)?.code == .unavailable)
        #expect(batch.outcomes[1].refusal?.code == .unavailable)
        #expect(batch.outcomes[2].refusal?.code == .internalError)
    }

    /// A later checkpoint captures other things than an earlier one, and their sequences may be smaller.
    @Test func theGreatestSequenceOfThingsNeverGoesDown() throws {
        let directory = TemporaryStore(isOnDisk: false)
        let store = try DurableExecutionStore(directory: directory.path, rules: ExecutionRules(), at: 0)
        let driver = StoreDriver(store)
        for number in 0..<20 { try driver.create("j\(number)", on: ["busy"]) }
        #expect(store.checkpoint() == nil)
        try driver.create("other", on: ["quiet"])
        #expect(store.checkpoint() == nil && store.stop() == nil)
        let facts = try StoreRecovery.facts(of: try directory.open(), at: 0)
        #expect(facts.lastSequenceOfThings >= 20)
    }
}
