import ErrandCore
import Synchronization
import Testing

@testable import ErrandStore

@Suite(.timeLimit(.minutes(1)))
struct JobTableTests {
    private let memory = MemoryExecutionStore(rules: ExecutionRules())

    private func stage(_ name: String, at now: Int64) throws {
        let request = CreateJobRequest(
            jobId: try JobId(name), document: "{}", targetCount: 2, targets: [try ThingName("a")])
        let receipt = StoreDriver(memory).outcome(of: .createJob(request), at: now).receipt
        #expect(receipt?.isComplete == false)
    }

    private func job(_ name: String) throws -> StoredJob? {
        let id = try JobId(name)
        return memory.jobs.withLock { $0[id] }
    }

    /// The one that waits is looked at first, after ten minutes; until then nothing behind it is taken out.
    @Test func aJobThatIsGoneIsNotKeptByAnotherThatWaits() throws {
        try stage("waits", at: 1)
        try stage("later", at: 2)
        weak var later: StoredJob?
        later = try job("later")
        #expect(later != nil)
        let rest = AddJobTargetsRequest(jobId: try JobId("later"), targetOffset: 1, targets: [try ThingName("b")])
        let driver = StoreDriver(memory)
        #expect(driver.outcome(of: .addJobTargets(rest), at: 3).receipt?.isComplete == true)
        try driver.deleteJob("later", force: true, at: 4)
        _ = memory.advance(to: 5, limit: 100)
        #expect(try job("later") == nil && job("waits") != nil)
        #expect(later == nil)
        _ = memory.advance(to: 1 + ServerLimits.stagedJobTimeoutMilliseconds, limit: 100)
        #expect(try job("waits") == nil)
    }
}
