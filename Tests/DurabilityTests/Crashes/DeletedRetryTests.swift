import ErrandCore
import Testing

@testable import ErrandStore

/// The latest attempt is deleted, and the one before is the latest again.
@Suite(.timeLimit(.minutes(1)))
struct DeletedRetryTests {
    /// Found by `CheckpointCrashTests`: only the store that made the deletion knew that reads of the older one show it.
    @Test(arguments: [false, true])
    func aRestartKnowsWhatTheAttemptBeforeShows(isFolded: Bool) throws {
        let directory = TemporaryDirectory(isOnDisk: false)
        let rules = ExecutionRules()
        let store = try DurableExecutionStore(directory: directory.path, rules: rules, at: 1)
        let (job, thing) = (try JobId("j"), try ThingName("t"))
        var configuration = JobConfiguration()
        configuration.retryCriteria = [RetryCriterion(failureType: .failed, numberOfRetries: 1)]
        let create = CreateJobRequest(
            jobId: job, document: "{}", configuration: configuration, targetCount: 1, targets: [thing])
        _ = store.outcome(of: .command(.createJob(create)), at: 1)
        let report = UpdateJobExecutionRequest(jobId: job, thingName: thing, status: .failed)
        _ = store.outcome(of: .command(.update(report)), at: 2)
        // The rows of both attempts are then older than the deletion.
        if isFolded { #expect(store.checkpoint() == nil) }
        let deletion = DeleteJobExecutionRequest(jobId: job, thingName: thing, executionNumber: 2, force: true)
        let outcome = store.outcome(of: .command(.deleteExecution(deletion)), at: 3)
        guard case .executionDeleted = outcome else {
            Issue.record("\(outcome)")
            return
        }
        let live = StoreFingerprint(store.memory)
        let image = directory.image()
        #expect(store.stop() == nil)

        let copy = try image.directory()
        let opened = try DurableExecutionStore(directory: copy.path, rules: rules, at: 3)
        #expect(StoreFingerprint(opened.memory).differences(from: live) == [])
        #expect(opened.stop() == nil)
    }
}
