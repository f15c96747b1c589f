import ErrandCore
import ErrandStore
import Foundation
import Synchronization
import Testing

/// Threads that change what they find, and watches of every scope that are cut off and begin again.
@Suite(.timeLimit(.minutes(1)))
struct FeedConcurrencyTests {
    private static let things = (0..<5).map { "t\($0)" }
    private static let jobs = (0..<6).map { "j\($0)" }
    private static let endOfTime: Int64 = 1_000_000

    @Test(arguments: StoreUnderTest.inMemory, [1, 2, 3] as [UInt64])
    func everyWatchSeesItsPartOfOneOrder(_ subject: StoreUnderTest, _ seed: UInt64) throws {
        var limits = StoreLimits()
        // Few enough that some are dropped and have to begin again.
        limits.watchLagEventCountMax = 100
        let store = subject.make(minuteLengthMilliseconds: 20, limits: limits)
        let scopes = try Self.scopes()
        let readers = scopes.enumerated().map { index, scope in
            Reader(store, scope, SeededGenerator(seed: seed &* 1000 &+ UInt64(index)))
        }
        let queues = try Self.things.map { QueueReader(store, thing: $0, try store.watch(.queue(try ThingName($0)))) }
        let isDone = Box(Atomic(false))
        let group = DispatchGroup()
        for turns in [readers.map { $0.turn }, queues.map { $0.turn }] {
            Thread.detachNewThread(in: group) {
                while !isDone.value.load(ordering: .acquiring) { for turn in turns { turn() } }
                // Whatever was published before the end must have arrived by itself.
                for turn in turns { turn() }
            }
        }
        runThreads(4) { number in
            Writer(store, SeededGenerator(seed: seed &* 100 &+ UInt64(number))).run(count: 1500)
        }
        store.advanceAll(to: Self.endOfTime)
        isDone.value.store(true, ordering: .releasing)
        group.wait()

        let all = try store.watch(from: 0).takeAll().events
        #expect(all.count > 500)
        for reader in readers {
            reader.readOn()
            #expect(reader.fault == nil, "\(reader.scope)")
            #expect(reader.events == all.filter { $0.belongs(to: reader.scope) }, "\(reader.scope)")
        }
        for queue in queues { #expect(try queue.last == queue.read(), "the queue of \(queue.thing)") }
        try checkReplay(of: all, store)
    }

    /// What the events make of the executions is what is stored.
    private func checkReplay(of events: [JobExecutionEvent], _ store: StoreDriver) throws {
        var replay = FeedReplay()
        for event in events { replay.apply(event) }
        #expect(replay.fault == nil)
        var count = 0
        for thing in Self.things {
            for summary in try #require(try store.listForThing(thing, max: 250, at: Self.endOfTime).page).executions {
                let (job, number) = (summary.jobId.description, summary.executionNumber)
                let view = try store.describe(job, thing, number: number, at: Self.endOfTime).execution
                let record = try #require(view?.record)
                let state = replay.executions[FeedReplay.Name(job: job, thing: thing, number: number)]
                #expect(state?.to == record.status && state?.versionNumber == record.versionNumber)
                #expect(state?.statusDetails == record.statusDetails && state?.forceCanceled == record.forceCanceled)
                #expect(state?.retryAttempt == record.retryAttempt)
                count += 1
            }
        }
        #expect(replay.executions.count == count)
        for job in Self.jobs { #expect(try store.job(job, at: Self.endOfTime)?.status == replay.jobs[job]) }
    }

    private static func scopes() throws -> [WatchScope] {
        let jobIds = try jobs.map { try JobId($0) }
        let names = try things.map { try ThingName($0) }
        return [.everything, .everything] + jobIds.map { .job($0) } + names.map { .thing($0) }
            + zip(jobIds, names).map { .execution($0, $1) }
    }
}

/// Makes random calls.
private struct Writer {
    let store: StoreDriver
    var random: SeededGenerator

    init(_ store: StoreDriver, _ random: SeededGenerator) {
        self.store = store
        self.random = random
    }

    consuming func run(count: Int) {
        for step in 0..<count {
            try? call(at: Int64(step))
        }
    }

    private mutating func call(at now: Int64) throws {
        let job = "j\(Int.random(in: 0..<6, using: &random))"
        let thing = "t\(Int.random(in: 0..<5, using: &random))"
        let isForced = Bool.random(using: &random)
        switch Int.random(in: 0..<40, using: &random) {
        case 0..<5: try store.create(job, on: (0..<5).map { "t\($0)" }, try configuration(), at: now)
        case 5..<12: try store.startNext(thing, step: 1, at: now)
        case 12..<22:
            try store.update(job, thing, .inProgress, details: try StatusDetails("at", "\(now)"), at: now)
        case 22..<25: try store.update(job, thing, .succeeded, at: now)
        case 25..<31: try store.update(job, thing, .failed, at: now)
        case 31: try store.cancel(job, thing, force: isForced, at: now)
        case 32: try store.cancelJob(job, force: isForced, at: now)
        case 33: try store.deleteJob(job, force: isForced, at: now)
        case 34: try store.deleteExecution(job, thing, 1, force: isForced, at: now)
        case 35: try store.removeTargets(job, [thing], at: now)
        case 36: try store.updateJob(job, timeout: 3, at: now)
        case 37: _ = try store.pending(thing, at: now)
        default: _ = store.store.advance(to: now, limit: 20)
        }
    }

    private mutating func configuration() throws -> JobConfiguration {
        var configuration = JobConfiguration()
        if Bool.random(using: &random) {
            configuration.retryCriteria = [RetryCriterion(failureType: .all, numberOfRetries: 2)]
        }
        if Bool.random(using: &random) {
            configuration.abortCriteria = [
                AbortCriterion(failureType: .all, thresholdPercentageHundredths: 6000, minNumberOfExecutedThings: 3)
            ]
        }
        return configuration
    }
}

/// Takes what one scope is for, a few at a time, and now and then begins again where it was.
///
/// `@unchecked Sendable`: only one thread has it at a time, first its own, then that of the test.
private final class Reader: @unchecked Sendable {
    let scope: WatchScope
    private(set) var events: [JobExecutionEvent] = []
    private(set) var fault: String?
    private let store: StoreDriver
    private var random: SeededGenerator
    private var watch: FeedWatch?
    private var revision: UInt64 = 0
    private var isMoreWaiting = true

    init(_ store: StoreDriver, _ scope: WatchScope, _ random: SeededGenerator) {
        self.store = store
        self.scope = scope
        self.random = random
    }

    func turn() {
        if Int.random(in: 0..<20, using: &random) == 0 {
            watch?.unsubscribe()
            watch = nil
        }
        let current: FeedWatch
        if let watch {
            current = watch
        } else {
            do {
                current = try store.watch(scope, from: revision)
            } catch {
                fault = "\(error)"
                return
            }
            watch = current
            isMoreWaiting = true
        }
        // Only what it was called for, so that a call that is missing shows as events that are missing.
        guard isMoreWaiting || !current.takeReady().isEmpty else { return }
        let (taken, result) = current.take(atMost: Int.random(in: 0..<60, using: &random))
        isMoreWaiting = result.isMoreWaiting
        if result.revision < revision { fault = "went back to \(result.revision)" }
        if let last = taken.last?.revision, last > result.revision { fault = "\(last) is past \(result.revision)" }
        revision = result.revision
        events += taken
        guard let ended = result.ended else { return }
        if ended != .slowConsumer { fault = "ended with \(ended)" }
        current.unsubscribe()
        watch = nil
    }

    /// Until nothing is left that it was called for.
    func readOn() {
        while fault == nil, revision < store.store.changes.revision { turn() }
    }
}

/// Reads a thing's pending list again whenever it is told to.
///
/// `@unchecked Sendable`: only one thread has it at a time, first its own, then that of the test.
private final class QueueReader: @unchecked Sendable {
    let thing: String
    private(set) var last: [String] = []
    private let store: StoreDriver
    private let watch: FeedWatch

    init(_ store: StoreDriver, thing: String, _ watch: FeedWatch) {
        self.store = store
        self.thing = thing
        self.watch = watch
    }

    func turn() {
        guard !watch.takeReady().isEmpty else { return }
        let change = watch.feed.takeQueueChange(watch.subscription)
        if change.list || change.head { last = (try? read()) ?? [] }
    }

    func read() throws -> [String] {
        // At the time of the first call, so that reading ends nothing.
        try store.pending(thing, max: 250, at: 0).pending.map { $0.all.map { "\($0.jobId)#\($0.executionNumber)" } }
            ?? []
    }
}

extension Thread {
    fileprivate static func detachNewThread(in group: DispatchGroup, _ body: @escaping @Sendable () -> Void) {
        group.enter()
        detachNewThread {
            body()
            group.leave()
        }
    }
}
