import Dispatch
import ErrandCore
import Synchronization

@testable import ErrandStore

/// All that a store holds and will ever decide by, as bytes: executions with their histories and the keys that they
/// remember, jobs with their targets, counts and keys, and what the store as a whole remembers.
///
/// Reading it fires no timer and changes nothing, which asking by calls would. What differs between a store that has
/// records and one that has none (their sequences) is left out.
struct StoreImage: Equatable, CustomStringConvertible {
    private(set) var parts: [String: [UInt8]] = [:]

    init(of store: MemoryExecutionStore) {
        for stripe in store.stripes { stripe.content.withLock { add($0) } }
        store.jobs.withLock { table in
            for job in table.jobs.values { add(job) }
            put("table") { buffer in
                buffer.append(table.lastJobNumber)
                buffer.append(table.lastCreationNumber)
                buffer.append(table.deletions)
            }
        }
    }

    private mutating func put(_ name: String, _ write: (inout JournalBuffer) -> Void) {
        var buffer = JournalBuffer()
        write(&buffer)
        parts[name] = buffer.bytes
    }

    private mutating func add(_ stripe: borrowing Stripe) {
        for slot in stripe.slots where slot.job !== StoredJob.vacant {
            let name = stripe.things.name(of: slot.thing)
            put("execution \(slot.job.number) \(slot.jobPosition)") { buffer in
                buffer.append(name: name.bytes)
                ExecutionImage.append(
                    slot.record, sequence: slot.sequence, startSequence: slot.startSequence, to: &buffer)
                buffer.append(slot.newestChange.stored)
                buffer.append(sized: slot.log.stored.span.bytes)
                buffer.append(sized: slot.calls.stored.span.bytes)
            }
        }
    }

    private mutating func add(_ job: StoredJob) {
        job.state.withLock { state in
            put("job \(job.number)") { buffer in
                job.appendCreation(to: &buffer)
                job.appendDecisions(state, to: &buffer)
                buffer.append(state.creationNumber)
                buffer.append(state.lastProgressAt)
                buffer.append(state.counts)
                buffer.append(state.attempts)
                buffer.append(flag: state.isStaged)
                for number in [state.notYetQueuedCount, state.executions.count, state.targets.count] {
                    buffer.append(number)
                }
                buffer.append(state.queuedThingCount)
                buffer.append(state.queuedUpTo)
                buffer.append(sized: state.targets.bytes.span.bytes)
                for offset in state.targets.excluded.sorted() { buffer.append(offset) }
            }
            // Not the rate of the minute that runs: every look at the clock may set it anew.
            put("rollout of job \(job.number)") { buffer in
                for run in state.rolloutWindow.runs {
                    buffer.append(run.time)
                    buffer.append(run.count)
                }
                buffer.append(optional: state.rolloutWindow.firstAt)
            }
        }
    }

    /// Which parts differ; nothing if none does.
    func difference(from other: StoreImage) -> String? {
        guard self != other else { return nil }
        let names = Set(parts.keys).union(other.parts.keys).sorted().filter { parts[$0] != other.parts[$0] }
        return names.map { name in
            "\(name): \(parts[name].map { "\($0)" } ?? "missing"), not \(other.parts[name].map { "\($0)" } ?? "missing")"
        }.joined(separator: "; ")
    }

    var description: String { "\(parts.keys.sorted())" }
}

/// A store in memory that is given the same as a durable one, and what it held after each step: what any prefix of the
/// journal must make of the tables again.
struct ExpectedStates {
    struct State {
        var now: Int64
        var image: StoreImage
        var revision: UInt64
        /// How many steps were complete.
        var stepCount: Int
    }

    /// By the sequence of the last record.
    private(set) var states: [UInt64: State] = [:]
    private(set) var events: [JobExecutionEvent] = []
    private(set) var outcomeCount = 0
    let firstRevision: UInt64

    /// Runs the steps on a durable store, for the sequences, and on one in memory, for everything else.
    init(of steps: [RandomWorkload.Step], startedAt: Int64 = 0, limits: StoreLimits = StoreLimits()) throws {
        let directory = TemporaryStore(isOnDisk: false)
        let durable = try DurableExecutionStore(
            directory: directory.path, rules: RandomWorkload.rules, limits: limits, at: startedAt, stripeCount: 1)
        let memory = MemoryExecutionStore(
            rules: RandomWorkload.rules, stripeCount: 1, limits: limits,
            firstRevision: ChangeFeed.firstRevision(startedAtMilliseconds: startedAt))
        firstRevision = memory.changes.revision
        note(durable, memory, now: startedAt, 0)
        for (index, step) in steps.enumerated() {
            var due: Int64? = step.now
            while let time = due, time <= step.now {
                _ = memory.advance(to: step.now, limit: 100_000)
                due = durable.advanceAndWait(to: step.now)
                note(durable, memory, now: step.now, index)
            }
            for store in [durable, memory] as [any ExecutionStore] {
                outcomeCount += StoreDriver(store).outcomes(of: step.commands, at: step.now).count
            }
            note(durable, memory, now: step.now, index + 1)
        }
        if let fault = durable.stop() { throw fault }
        events = try FeedWatch(memory.changes, .everything, from: firstRevision).takeAll().events
    }

    private mutating func note(
        _ durable: DurableExecutionStore, _ memory: MemoryExecutionStore, now: Int64, _ stepCount: Int
    ) {
        states[durable.committer.lastSequence] = State(
            now: now, image: StoreImage(of: memory), revision: memory.changes.revision, stepCount: stepCount)
    }

    /// What is wrong with a store that was opened; nothing if it is what it once was.
    func mismatch(of store: DurableExecutionStore) -> String? {
        let sequence = store.committer.lastSequence
        guard let expected = states[sequence] else { return "sequence \(sequence) is between two steps" }
        if let difference = StoreImage(of: store.memory).difference(from: expected.image) {
            return "at sequence \(sequence): \(difference)"
        }
        guard store.changes.revision == expected.revision else {
            return "revision \(store.changes.revision), not \(expected.revision)"
        }
        return nil
    }

    /// What is wrong with the events that are kept for watches that come back.
    func eventMismatch(of store: DurableExecutionStore) -> String? {
        let newest = store.changes.revision
        guard let watch = store.oldestWatch() else { return newest == firstRevision ? nil : "no events" }
        let found = watch.takeAll().events
        let wanted = events.filter { $0.revision > watch.startRevision && $0.revision <= newest }
        for (one, other) in zip(found, wanted) where one != other { return "event \(one), not \(other)" }
        return found.count == wanted.count
            ? nil : "\(found.count) events after \(watch.startRevision), not \(wanted.count)"
    }
}

extension DurableExecutionStore {
    /// One call of `advance`, and the end of its group: so that the ends of groups are the same in each run.
    func advanceAndWait(to now: Int64) -> Int64? {
        let due = advance(to: now, limit: 100_000).nextDueMilliseconds
        waitUntilDurable()
        return due
    }

    /// Returns whether all became durable.
    @discardableResult
    func waitUntilDurable() -> Bool {
        let done = DispatchSemaphore(value: 0)
        let isDurable = Mutex(false)
        committer.whenDurable(committer.lastSequence) { result in
            if case .success = result { isDurable.withLock { $0 = true } }
            done.signal()
        }
        done.wait()
        return isDurable.withLock { $0 }
    }

    /// Does all that is due, group by group. Returns whether all became durable.
    @discardableResult
    func settle(to now: Int64) -> Bool {
        while let due = advanceAndWait(to: now), due <= now {}
        return waitUntilDurable()
    }

    /// A watch of everything from as far back as there are events.
    func oldestWatch() -> FeedWatch? {
        var low = changes.revision > 100_000 ? changes.revision - 100_000 : 0
        var high = changes.revision
        while low < high {
            let middle = low + (high - low) / 2
            if (try? FeedWatch(changes, .everything, from: middle)) != nil { high = middle } else { low = middle + 1 }
        }
        return try? FeedWatch(changes, .everything, from: low)
    }
}
