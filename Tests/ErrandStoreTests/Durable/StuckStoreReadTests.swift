import Dispatch
import ErrandCore
import Glibc
import Synchronization
import Testing

@testable import ErrandStore

/// Reads of a store whose disk is full, or has failed: what is durable is shown at once; what may yet be lost is not shown.
@Suite(.timeLimit(.minutes(1)))
struct StuckStoreReadTests {
    /// What keeps the last group from the disk.
    enum Trouble: CaseIterable {
        case full, failed

        var error: Int32 { self == .full ? ENOSPC : EIO }
    }

    private enum Answer: Equatable {
        case shown, refused(StatusCode), waiting
    }

    private let directory = TemporaryStore(isOnDisk: false)

    /// A report that changes no status is one execution's matter: its job's counts, and the thing's other reads, stay as they are.
    @Test(arguments: Trouble.allCases)
    func whatALostReportDoesNotTouchIsShown(_ trouble: Trouble) throws {
        let report = UpdateJobExecutionRequest(
            jobId: try JobId("busy"), thingName: try ThingName("b"), status: .inProgress,
            statusDetails: try StatusDetails("step", "2"))
        try withStore(trouble, change: .update(report)) { driver, withheld in
            for (job, thing) in [("quiet", "c"), ("busy", "a"), ("doomed", "e")] {
                for (name, read) in try executionReads(job, thing) {
                    #expect(answer(driver, read) == .shown, "\(name) of \(job) on \(thing)")
                }
            }
            for (name, read) in try executionReads("busy", "b") {
                #expect(answer(driver, read) == withheld, "\(name) of the report")
            }
            for (name, read) in try jobReads("busy") where name != "listForJob" {
                #expect(answer(driver, read) == .shown, "\(name) of busy")
            }
            #expect(answer(driver, try jobReads("busy")["listForJob"]) == withheld)
            #expect(answer(driver, try jobReads("quiet")["listForJob"]) == .shown)
            for (name, read) in try jobReads("absent") where name != "listJobs" {
                #expect(answer(driver, read) == .refused(.notFound), "\(name) of absent")
            }
            #expect(answer(driver, try executionReads("absent", "c")["describe"]) == .refused(.notFound))
            #expect(answer(driver, try executionReads("quiet", "absent")["describe"]) == .refused(.notFound))
        }
    }

    /// Nobody sees the end of an execution, nor the counts that come with it.
    @Test(arguments: Trouble.allCases)
    func aLostEndIsNotShown(_ trouble: Trouble) throws {
        let end = UpdateJobExecutionRequest(jobId: try JobId("busy"), thingName: try ThingName("b"), status: .succeeded)
        try withStore(trouble, change: .update(end)) { driver, withheld in
            for (name, read) in try executionReads("busy", "b").merging(jobReads("busy"), uniquingKeysWith: { $1 }) {
                #expect(answer(driver, read) == withheld, "\(name)")
            }
            for (name, read) in try jobReads("quiet") where name != "listJobs" {
                #expect(answer(driver, read) == .shown, "\(name) of quiet")
            }
        }
    }

    /// Nor that a job, or one of its executions, is gone.
    @Test(arguments: Trouble.allCases)
    func aLostDeletionIsNotShown(_ trouble: Trouble) throws {
        let deletion = DeleteJobRequest(jobId: try JobId("doomed"), force: true)
        try withStore(trouble, change: .deleteJob(deletion)) { driver, withheld in
            for (name, read) in try executionReads("doomed", "e").merging(jobReads("doomed"), uniquingKeysWith: { $1 })
            {
                #expect(answer(driver, read) == withheld, "\(name)")
            }
            for (name, read) in try executionReads("quiet", "d") {
                #expect(answer(driver, read) == .shown, "\(name) of quiet")
            }
        }
    }

    /// Whoever asks for the latest attempt is not shown the one before in its place.
    @Test(arguments: Trouble.allCases)
    func aLostDeletionOfTheLatestAttemptIsNotShown(_ trouble: Trouble) throws {
        let deletion = DeleteJobExecutionRequest(
            jobId: try JobId("retried"), thingName: try ThingName("f"), executionNumber: 2, force: true)
        try withStore(trouble, change: .deleteExecution(deletion)) { driver, withheld in
            for (name, read) in try executionReads("retried", "f") {
                #expect(answer(driver, read) == withheld, "\(name)")
            }
        }
    }

    // MARK: Reads

    private typealias Read = (CommandBatch) -> Void

    /// All that show something of an execution, by name.
    private func executionReads(_ job: String, _ thing: String) throws -> [String: Read] {
        let (job, thing) = (try JobId(job), try ThingName(thing))
        return [
            "describe": { $0.add(DescribeJobExecutionRequest(jobId: job, thingName: thing)) },
            "describeOwn": {
                $0.commands = [.describeOwn(DescribeOwnJobExecutionRequest(jobId: job, thingName: thing))]
            },
            "next": { $0.commands = [.describeOwn(DescribeOwnJobExecutionRequest(jobId: nil, thingName: thing))] },
            "pending": { $0.commands = [.getPending(GetPendingJobExecutionsRequest(thingName: thing))] },
            "listForThing": { $0.commands = [.listForThing(ListJobExecutionsForThingRequest(thingName: thing))] },
            "history": { $0.commands = [.getHistory(GetJobExecutionHistoryRequest(jobId: job, thingName: thing))] },
        ]
    }

    /// All that show something of a job; a list of jobs shows something of each.
    private func jobReads(_ job: String) throws -> [String: Read] {
        let job = try JobId(job)
        return [
            "describeJob": { $0.commands = [.describeJob(DescribeJobRequest(jobId: job))] },
            "document": { $0.commands = [.getJobDocument(GetJobDocumentRequest(jobId: job))] },
            "listForJob": { $0.commands = [.listForJob(ListJobExecutionsForJobRequest(jobId: job))] },
            "listJobs": { $0.commands = [.listJobs(ListJobsRequest())] },
        ]
    }

    // MARK: The store

    /// A store with some jobs whose disk fails as `change` is to be stored.
    private func withStore(
        _ trouble: Trouble, change: StoreCommand, _ body: (StoreDriver, _ waits: Answer) throws -> Void
    ) throws {
        let (retry, isStuck, hasTrouble) = (Retry(), DispatchSemaphore(value: 0), Flag())
        let store = try DurableExecutionStore(
            try JournalDatabase.open(directory: directory.path, create: true), rules: RandomWorkload.rules,
            limits: StoreLimits(), at: 0, stripeCount: 1,
            tuning: DurableExecutionStore.Tuning(
                retryAfterDelay: {
                    retry.keep($0)
                    isStuck.signal()
                }, checkpointPause: {}),
            report: { if case .failed = $0 { isStuck.signal() } })
        let driver = StoreDriver(store)
        for (job, things) in [("busy", ["a", "b"]), ("quiet", ["c", "d"]), ("doomed", ["e"])] {
            #expect(try driver.create(job, on: things, at: 1).refusal == nil)
        }
        let retries = JobConfiguration(retryCriteria: [RetryCriterion(failureType: .failed, numberOfRetries: 1)])
        #expect(try driver.create("retried", on: ["f"], retries, at: 1).refusal == nil)
        #expect(try driver.update("busy", "b", .inProgress, at: 2).refusal == nil)
        #expect(try driver.update("retried", "f", .failed, at: 2).refusal == nil)
        try withExtendedLifetime(
            StorageObserver(directory.path) { call, _ in
                call.kind == .write && hasTrouble.isSet.load(ordering: .relaxed) ? trouble.error : 0
            }
        ) {
            hasTrouble.isSet.store(true, ordering: .relaxed)
            let changed = CommandBatch { _ in }
            changed.commands = [change]
            store.submit(changed, at: 3)
            isStuck.wait()
            try body(driver, trouble == .full ? .waiting : .refused(.unavailable))
            hasTrouble.isSet.store(false, ordering: .relaxed)
            retry.run()
            _ = store.stop()
        }
    }

    private final class Retry: Sendable {
        private let kept = Mutex<(@Sendable () -> Void)?>(nil)

        func keep(_ retry: @escaping @Sendable () -> Void) { kept.withLock { $0 = retry } }
        func run() { kept.withLock { $0 }?() }
    }

    private final class Flag: Sendable {
        let isSet = Atomic(false)
    }

    /// How a read is answered before its submit returns.
    private func answer(_ driver: StoreDriver, _ read: Read?) -> Answer? {
        let isAnswered = Flag()
        let batch = CommandBatch { _ in isAnswered.isSet.store(true, ordering: .relaxed) }
        read?(batch)
        driver.store.submit(batch, at: 4)
        guard isAnswered.isSet.load(ordering: .relaxed) else { return .waiting }
        let refusal = batch.describes.count > 0 ? batch.describes.refusal(of: 0) : batch.outcomes[0].refusal
        return refusal.map { .refused($0.code) } ?? .shown
    }
}
