import Dispatch
import ErrandCore
import Synchronization
import Testing

@testable import ErrandStore

/// That an execution is gone with its job is known before its own record says so.
@Suite(.timeLimit(.minutes(1)))
struct DeletedJobTests {
    @Test func noCallShowsADeletionThatIsNotDurable() throws {
        let directory = TemporaryDirectory(isOnDisk: false)
        let store = try DurableExecutionStore(directory: directory.path, rules: ExecutionRules(), at: 1)
        let (job, thing) = (try JobId("j"), try ThingName("t"))
        let create = CreateJobRequest(jobId: job, document: "{}", targetCount: 1, targets: [thing])
        _ = store.outcome(of: .command(.createJob(create)), at: 1)
        let (stopped, resume) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        store.committer.performBetweenGroups { _ in
            stopped.signal()
            resume.wait()
        }
        stopped.wait()
        // The deletion is decided; its sweep, which takes long when there are many executions, has not come here yet.
        let deleted = try #require(store.memory.jobs.withLock { $0.completeJob(job) })
        #expect(deleted.beginDeletion(DeleteJobRequest(jobId: job, force: true), nil, at: 2) == nil)
        let answers = Mutex<[String]>([])
        let answered = DispatchGroup()
        let commands: [Asked] = [
            .describe(DescribeJobExecutionRequest(jobId: job, thingName: thing)),
            .command(
                .describeOwn(DescribeOwnJobExecutionRequest(jobId: nil, thingName: thing, includeJobDocument: false))),
            .command(.getPending(GetPendingJobExecutionsRequest(thingName: thing))),
            .command(.listForThing(ListJobExecutionsForThingRequest(thingName: thing))),
            .command(.startNext(StartNextPendingJobExecutionRequest(thingName: thing))),
            .command(.update(UpdateJobExecutionRequest(jobId: job, thingName: thing, status: .failed))),
        ]
        for command in commands {
            answered.enter()
            let batch = CommandBatch { batch in
                answers.withLock { $0.append("\(batch.commands[0])") }
                answered.leave()
            }
            command.fill(batch)
            store.submit(batch, at: 3)
        }
        #expect(answers.withLock { $0 } == [], "these would be wrong after a crash")
        resume.signal()
        answered.wait()
        #expect(store.stop() == nil)
    }
}
