import Dispatch
import ErrandCore
import Glibc
import Synchronization
import Testing

@testable import ErrandStore

/// A disk that is full, and one that is too slow.
@Suite(.timeLimit(.minutes(2)))
struct FullDiskTests {
    private let directory = TemporaryStore(isOnDisk: false)
    private let retries = Retries()

    /// Tries that wait until the test wants them.
    private final class Retries: Sendable {
        let waiting = Mutex<[@Sendable () -> Void]>([])
        let arrived = DispatchSemaphore(value: 0)

        func add(_ retry: @escaping @Sendable () -> Void) {
            waiting.withLock { $0.append(retry) }
            arrived.signal()
        }

        func run() {
            let all = waiting.withLock { waiting in
                defer { waiting = [] }
                return waiting
            }
            for retry in all { retry() }
        }
    }

    private func open(journalByteCountMax: Int = 32 << 20) throws -> DurableExecutionStore {
        let retries = retries
        let tuning = DurableExecutionStore.Tuning(
            journalByteCountMax: journalByteCountMax, retryAfterDelay: { retries.add($0) }, checkpointPause: {})
        return try DurableExecutionStore(
            try JournalDatabase.open(directory: directory.path, create: true), rules: RandomWorkload.rules,
            limits: StoreLimits(), at: 0, stripeCount: 1, tuning: tuning)
    }

    private func report(_ job: String, _ thing: String, _ text: String) throws -> StoreCommand {
        .update(
            UpdateJobExecutionRequest(
                jobId: try JobId(job), thingName: try ThingName(thing), status: .inProgress,
                statusDetails: try StatusDetails("text", text)))
    }

    /// A disk that a test fills, empties and holds up.
    private final class Disk: Sendable {
        let isFull = Atomic(false)
        let refusedCount = Atomic(0)
        let isHeld = Atomic(false)
        let held = DispatchSemaphore(value: 0)
        let goOn = DispatchSemaphore(value: 0)

        func judge(_ call: StorageCall, _ error: Int32 = ENOSPC) -> Int32 {
            if call.kind == .sync, isHeld.load(ordering: .relaxed) {
                held.signal()
                goOn.wait()
            }
            guard call.kind == .write, isFull.load(ordering: .relaxed) else { return 0 }
            refusedCount.add(1, ordering: .relaxed)
            return error
        }
    }

    /// No room on the disk, in the user's quota, or in what a file may have.
    @Test(arguments: [ENOSPC, EDQUOT, EFBIG])
    func changesAreRefusedWhileTheDiskIsFullAndReadsGoOn(_ error: Int32) throws {
        let store = try open()
        let driver = StoreDriver(store)
        #expect(try driver.create("job", on: ["a", "b"], at: 1).refusal == nil)
        #expect(try driver.update("job", "a", .inProgress, at: 2).refusal == nil)
        let disk = Disk()
        let observer = StorageObserver(directory.path) { call, _ in disk.judge(call, error) }
        disk.isFull.store(true, ordering: .relaxed)
        // The one that finds out waits for room; it was decided and is not lost.
        let done = DispatchSemaphore(value: 0)
        let first = CommandBatch { _ in done.signal() }
        first.commands = [try report("job", "b", "first")]
        store.submit(first, at: 3)
        retries.arrived.wait()
        #expect(store.committer.state == .full)
        for _ in 0..<3 {
            let refusal = try #require(try driver.update("job", "a", .succeeded, at: 4).refusal)
            #expect(refusal.code == .unavailable && refusal.retryAfterMilliseconds == 1000)
            #expect(refusal.message.contains("disk is full"))
            #expect(try driver.execution("job", "a", at: 4).record.status == .inProgress)
            retries.run()
            retries.arrived.wait()
        }
        disk.isFull.store(false, ordering: .relaxed)
        retries.run()
        done.wait()
        #expect(first.outcomes[0].refusal == nil)
        #expect(try driver.update("job", "a", .succeeded, at: 5).refusal == nil)
        let refusedCount = disk.refusedCount.load(ordering: .relaxed)
        #expect(refusedCount >= 4)
        #expect(store.stop() == nil)
        withExtendedLifetime(observer) {}
        let again = StoreDriver(try open())
        #expect(try again.execution("job", "a", at: 6).record.status == .succeeded)
        #expect(try again.execution("job", "b", at: 6).record.statusDetails.dictionary == ["text": "first"])
    }

    /// A stop does not wait for room, neither for the last group nor for a checkpoint that waits for it.
    @Test func aStopOfAFullStoreEnds() throws {
        let store = try open()
        let driver = StoreDriver(store)
        #expect(try driver.create("job", on: ["a"], at: 1).refusal == nil)
        let disk = Disk()
        let observer = StorageObserver(directory.path) { call, _ in disk.judge(call) }
        disk.isFull.store(true, ordering: .relaxed)
        let batch = CommandBatch { _ in }
        batch.commands = [try report("job", "a", "lost")]
        store.submit(batch, at: 2)
        retries.arrived.wait()
        // It wants to write the row that shows what is not durable.
        store.tend(at: 700_000)
        guard case .diskFull = store.stop() else { return #expect(Bool(false), "it did not say why") }
        #expect(batch.outcomes[0].refusal?.code == .internalError)
        withExtendedLifetime(observer) {}
        #expect(try StoreDriver(try open()).execution("job", "a", at: 3).record.status == .queued)
    }

    /// What a checkpoint had copied when it was given up is in no row: the one that a stop makes must not pass over it.
    @Test func noCheckpointFollowsOneThatFailed() throws {
        let pauses = DispatchSemaphore(value: 0)
        let isPausing = DispatchSemaphore(value: 0)
        let store = try DurableExecutionStore(
            try JournalDatabase.open(directory: directory.path, create: true), rules: RandomWorkload.rules,
            limits: StoreLimits(), at: 0, stripeCount: 1,
            tuning: DurableExecutionStore.Tuning(
                stop: .init(recordCountLeftMax: 0),
                checkpointPause: {
                    isPausing.signal()
                    pauses.wait()
                }))
        let driver = StoreDriver(store)
        #expect(try driver.create("job", on: ["a"], at: 1).refusal == nil)
        #expect(try driver.update("job", "a", .succeeded, at: 2).refusal == nil)
        let disk = Disk()
        let observer = StorageObserver(directory.path) { call, _ in
            // Two tries to write the first slice, one before the stop and one after it has begun.
            let error = disk.judge(call)
            if disk.refusedCount.load(ordering: .relaxed) == 2 { disk.isFull.store(false, ordering: .relaxed) }
            return error
        }
        disk.isFull.store(true, ordering: .relaxed)
        store.tend(at: 700_000)
        isPausing.wait()
        let stopped = DispatchSemaphore(value: 0)
        DispatchQueue.global().async {
            _ = store.stop()
            stopped.signal()
        }
        while !store.isStopping { sched_yield() }
        pauses.signal()
        stopped.wait()
        #expect(disk.refusedCount.load(ordering: .relaxed) == 2)
        withExtendedLifetime(observer) {}
        let again = StoreDriver(try open())
        #expect(try again.execution("job", "a", at: 3).record.status == .succeeded)
    }

    /// The disk takes nothing while changes pour in: what waits stays bounded, and who comes then is told when to come again.
    @Test func changesThatOutrunTheDiskAreThrottledAndMemoryIsBounded() throws {
        let byteCountMax = 200_000
        let store = try open(journalByteCountMax: byteCountMax)
        let driver = StoreDriver(store)
        let things = (0..<20).map { "thing-\($0)" }
        #expect(try driver.create("job", on: things, at: 1).refusal == nil)
        let disk = Disk()
        let observer = StorageObserver(directory.path) { call, _ in disk.judge(call) }
        disk.isHeld.store(true, ordering: .relaxed)
        let answers = DispatchGroup()
        let throttled = Mutex<[Refusal]>([])
        let text = String(repeating: "x", count: 1000)
        try withExtendedLifetime(observer) {
            for number in 0..<1000 {
                answers.enter()
                let batch = CommandBatch { batch in
                    if let refusal = batch.outcomes[0].refusal { throttled.withLock { $0.append(refusal) } }
                    answers.leave()
                }
                batch.commands = [try report("job", things[number % things.count], text)]
                store.submit(batch, at: 2)
                // So that the first group is on its way before the rest gathers.
                if number == 0 { disk.held.wait() }
            }
            let refusals = throttled.withLock { $0 }
            let keptCount = 1000 - refusals.count
            #expect(refusals.count > 500 && keptCount > 100)
            // Each record has about 1,100 bytes, so that this is what can wait.
            #expect(keptCount * 1000 < byteCountMax + 2000, "\(keptCount) wait")
            #expect(refusals.allSatisfy { $0.code == .throttled && $0.retryAfterMilliseconds == 100 })
            disk.isHeld.store(false, ordering: .relaxed)
            disk.goOn.signal()
            answers.wait()
            #expect(throttled.withLock { $0.count } == refusals.count)
            #expect(try driver.update("job", "thing-1", .inProgress, at: 3).refusal == nil)
            #expect(store.stop() == nil)
        }
    }
}
