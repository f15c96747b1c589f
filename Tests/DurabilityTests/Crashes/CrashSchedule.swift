import Dispatch
import ErrandCore

@testable import ErrandStore

/// Calls on a store in this process that crashes again and again, with everything that its clients saw.
///
/// A crash is this: the disk stops, calls go on, and then the store is abandoned; a new one opens the files as they were when
/// the disk stopped. What was answered until then counts, what is answered later nobody hears. So a store that answers too
/// early, or shows too much, has said so before the crash, and a right one has not: there is no luck in it.
final class CrashSchedule {
    private static let executionCount = 5

    private let flaw: Flaw
    private var generator: SeededGenerator
    private var directory = TemporaryDirectory(isOnDisk: false)
    private var served: FlawedStore
    private let log = CallLog()
    private let markers = Numbers()
    private var events: [SeenEvent] = []
    private var crashCount = 0
    /// How many calls met a crash.
    private(set) var stoppedCallCount = 0

    init(seed: UInt64, flaw: Flaw) throws {
        self.flaw = flaw
        generator = SeededGenerator(seed: seed)
        let store = try DurableExecutionStore(directory: directory.path, rules: ExecutionRules(), at: 1, stripeCount: 4)
        served = try FlawedStore(store, flaw, watchingFrom: store.changes.revision)
        let things = try (0..<Self.executionCount).map { try ThingName("t\($0)") }
        let create = CreateJobRequest(
            jobId: try JobId("j"), document: "{}", targetCount: UInt32(things.count), targets: things)
        _ = outcome(of: .command(.createJob(create)))
    }

    deinit { _ = served.store.stop() }

    // MARK: The schedule

    func run(rounds: Int) throws -> [Violation] {
        for round in 0..<rounds {
            let done = DispatchGroup()
            for _ in 0..<Int.random(in: 10...30, using: &generator) { try begin(done) }
            done.wait()
            takeEvents()
            if round % 3 == 0, let fault = served.store.checkpoint() { throw fault }
            try crash()
        }
        return try check()
    }

    private func crash() throws {
        let (stopped, resume) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        served.store.committer.performBetweenGroups { _ in
            stopped.signal()
            resume.wait()
        }
        stopped.wait()
        // Few, so that of each execution no more is under way than it remembers keys of.
        for _ in 0..<Int.random(in: 6...14, using: &generator) { try begin(nil) }
        takeEvents()
        let image = directory.image()
        crashCount += 1
        let unanswered = log.crashed()
        stoppedCallCount += unanswered.count
        let lost = served.store
        resume.signal()
        _ = lost.stop()
        directory = try image.directory()
        let store = try DurableExecutionStore(
            directory: directory.path, rules: ExecutionRules(), at: Int64(crashCount) + 1, stripeCount: 4)
        served = try FlawedStore(store, flaw, watchingFrom: events.last?.revision)
        // Half of what was not answered is sent again with the same key, before anything else of its execution.
        let done = DispatchGroup()
        for index in unanswered where generator.chance(50) { send(index, done) }
        done.wait()
    }

    private func takeEvents() {
        let now = log.clock.next()
        events += served.takeEvents().map { SeenEvent($0, at: now) }
    }

    // MARK: Calls

    /// Sends a new call, or now and then one that was answered already: the answer must be the same.
    private func begin(_ done: DispatchGroup?) throws {
        if generator.chance(15), let index = log.repeatable { return send(index, done) }
        let execution = Int.random(in: 0..<Self.executionCount, using: &generator)
        let (call, asked, marker) = try newCall(on: execution)
        let operation = Operation(client: 0, marker: marker, call: call, invokedAt: log.clock.next())
        send(log.add(operation, asked, on: execution), done)
    }

    private func newCall(on execution: Int) throws -> (Operation.Call, Asked, UInt64) {
        let (job, thing) = (try JobId("j"), try ThingName("t\(execution)"))
        let kind = Int.random(in: 0..<100, using: &generator)
        if kind < 40 {
            return (.describe, .describe(DescribeJobExecutionRequest(jobId: job, thingName: thing)), 0)
        }
        let marker = UInt64(markers.next())
        let key = IdempotencyKey.random()
        let details = try Snapshot.details(marker)
        if kind < 48 {
            let request = StartNextPendingJobExecutionRequest(
                thingName: thing, statusDetails: details, idempotencyKey: key)
            return (.startNext, .command(.startNext(request)), marker)
        }
        let expected = generator.chance(40) ? log.lastVersion(of: execution) : nil
        if kind < 52 {
            let request = CancelJobExecutionRequest(
                jobId: job, thingName: thing, expectedVersion: expected, statusDetails: details, idempotencyKey: key)
            return (.cancel(force: false, expectedVersion: expected), .command(.cancel(request)), marker)
        }
        let request = UpdateJobExecutionRequest(
            jobId: job, thingName: thing, status: .inProgress, statusDetails: details, expectedVersion: expected,
            idempotencyKey: key)
        return (.update(.inProgress, expectedVersion: expected), .command(.update(request)), marker)
    }

    private func send(_ index: Int, _ done: DispatchGroup?) {
        let (asked, life) = log.sent(index)
        done?.enter()
        let batch = CommandBatch { [log] batch in
            log.answered(index, batch.onlyOutcome, life: life)
            done?.leave()
        }
        asked.fill(batch)
        served.submit(batch, at: Int64(crashCount) + 1)
    }

    private func outcome(of asked: Asked) -> StoreOutcome {
        served.store.outcome(of: asked, at: Int64(crashCount) + 1)
    }

    // MARK: The end

    private func check() throws -> [Violation] {
        takeEvents()
        let recorded = log.calls
        var violations = HistoryChecker.check(watch: events)
        violations += log.repeatedAnswers.map { Violation(kind: .appliedTwice, place: $0) }
        for execution in 0..<Self.executionCount {
            let (job, thing) = (try JobId("j"), try ThingName("t\(execution)"))
            let described = outcome(of: .describe(DescribeJobExecutionRequest(jobId: job, thingName: thing)))
            guard case .execution(let view?) = described else {
                violations.append(Violation(kind: .lost, place: "\(thing)"))
                continue
            }
            var history = ExecutionHistory(name: "j/\(thing)", final: Snapshot(view.record))
            history.operations = recorded.filter { $0.execution == execution }.map(\.operation)
            history.events = events.filter { $0.execution == history.name }
            if case .history(let page) = outcome(
                of: .command(.getHistory(GetJobExecutionHistoryRequest(jobId: job, thingName: thing))))
            {
                history.kept = page.entries.filter { $0.kind == .change }.map { Snapshot($0) }
            }
            violations += HistoryChecker.check(history)
        }
        return violations
    }
}
