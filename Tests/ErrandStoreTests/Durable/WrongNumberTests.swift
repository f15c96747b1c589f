import ErrandCore
import Synchronization
import Testing

@testable import ErrandStore

/// Rows and records whose checksums are right and in which a single number is wrong, each of which has once done harm where
/// it was believed. `MalformedRecordTests` finds such ones by chance; here they are named.
@Suite(.timeLimit(.minutes(1)))
struct WrongNumberTests {
    private let directory = TemporaryStore(isOnDisk: false)

    private func open(at now: Int64 = 10, retention: Int64 = .max) throws -> DurableExecutionStore {
        try DurableExecutionStore(
            try directory.open(), rules: ExecutionRules(), limits: StoreLimits(), at: now,
            finishedRetentionMilliseconds: retention, stripeCount: 1)
    }

    /// Writes a store with the job `j` on `a`, which has succeeded, and on `b`, all of it in rows. It is closed, and what it
    /// had in memory is returned.
    private func write() throws -> MemoryExecutionStore {
        let store = try open(at: 1)
        let driver = StoreDriver(store)
        try driver.create("j", on: ["a", "b"], at: 1)
        try driver.update("j", "a", .succeeded, at: 2)
        try #require(store.checkpoint() == nil)
        try #require(store.stop() == nil)
        return store.memory
    }

    private func job(_ name: String = "j", of memory: MemoryExecutionStore) throws -> StoredJob {
        let id = try JobId(name)
        return try #require(memory.jobs.withLock { $0[id] })
    }

    /// Appends a record about the job to the journal of the closed store.
    private func append(
        _ kind: RecordKind, of job: StoredJob, revision: UInt64, _ write: (inout JournalBuffer) -> Void
    ) throws {
        var buffer = JournalBuffer()
        buffer.appendRecord { buffer in
            job.appendHead(kind, revision, to: &buffer)
            write(&buffer)
        }
        let database = try directory.open()
        let sequence = database.lastSequence + 1
        try database.appendGroup(first: sequence, last: sequence, records: buffer.span)
        try database.close()
    }

    /// Puts the rows of the slice into the closed store. Returns the sequence of its last record.
    @discardableResult
    private func put(_ slice: CheckpointSlice) throws -> UInt64 {
        let database = try directory.open()
        try database.fold { (transaction) throws(StorageFault) in try slice.put(transaction) }
        try database.close()
        return database.lastSequence
    }

    @discardableResult
    private func putJob(of memory: MemoryExecutionStore, _ change: (inout StoredJob.State) -> Void) throws -> UInt64 {
        let job = try job(of: memory)
        var slice = CheckpointSlice()
        job.state.withLock { state in
            change(&state)
            slice.addJob(job.number, shows: state.lastSequence) { buffer in
                job.appendCreation(to: &buffer)
                job.appendDecisions(state, to: &buffer)
                job.appendProgress(state, to: &buffer)
            }
        }
        return try put(slice)
    }

    @discardableResult
    private func putExecution(
        on thing: String, of memory: MemoryExecutionStore, _ change: (inout ExecutionSlot) -> Void
    ) throws -> UInt64 {
        let name = try ThingName(thing)
        var slice = CheckpointSlice()
        memory.stripes[0].content.withLock { stripe in
            for slot in stripe.slots where stripe.things.name(of: slot.thing) == name {
                var slot = slot
                change(&slot)
                slice.add(slot, on: name)
            }
        }
        try #require(slice.rowCount == 1)
        return try put(slice)
    }

    private func putFacts(_ change: (inout StoreFacts) -> Void) throws {
        let database = try directory.open()
        var buffer = JournalBuffer()
        var facts = try StoreRecovery.facts(of: database, at: 1)
        change(&facts)
        facts.append(to: &buffer)
        try database.fold { (transaction) throws(StorageFault) in
            try transaction.putFact(StoreFacts.name, body: buffer.span)
        }
        try database.close()
    }

    /// The same of what is found out while it is read.
    private func expectDamage(_ what: String, at place: String) {
        let fault = faultOf { _ = try open() }
        guard case .damaged(let damage) = fault else {
            Issue.record("not damage: \(fault.map { "\($0)" } ?? "nothing")")
            return
        }
        #expect(damage.what.hasPrefix(what) && damage.place == place)
    }

    private func expectRefusal(_ what: String, at place: String) {
        #expect(throws: StorageFault.damaged(what, at: place)) { try open() }
    }

    // MARK: Sequences beyond the journal

    private func beyond(_ last: UInt64) -> String { "it shows record \(last + 1), but the journal ends with \(last)" }

    @Test func aJobDoesNotShowWhatIsNotInTheJournal() throws {
        let memory = try write()
        let last = memory.changes.recordedSequence
        try putJob(of: memory) { $0.lastSequence = last + 1 }
        expectRefusal(beyond(last), at: "jobs, row 1")
    }

    @Test(arguments: [("a", 0), ("b", 1)])
    func anExecutionDoesNotShowWhatIsNotInTheJournal(thing: String, position: Int) throws {
        let memory = try write()
        let last = memory.changes.recordedSequence
        try putExecution(on: thing, of: memory) { $0.lastSequence = last + 1 }
        expectRefusal(beyond(last), at: "executions, row 1, \(position)")
    }

    /// It is not looked at when the store is opened, but when somebody asks for it.
    @Test func anExecutionThatComesBackDoesNotShowWhatIsNotInTheJournal() throws {
        let memory = try write()
        let last = memory.changes.recordedSequence
        try putExecution(on: "a", of: memory) { $0.lastSequence = last + 1 }
        let store = try open(retention: 0)
        let archive = try #require(store.memory.archive)
        let thing = try ThingName("a")
        #expect(archive.count.load(ordering: .relaxed) == 1)
        let fault = StorageFault.damaged(beyond(last), at: "executions, row 1, 0")
        #expect(throws: fault) { try archive.executions(ofThing: thing) }
        #expect(throws: fault) { try archive.executions(ofJob: 1, at: 0..<2) }
        // With one more record in the journal nobody would wait for it any more.
        try StoreDriver(store).update("j", "b", .inProgress, at: 11)
        #expect(try archive.executions(ofThing: thing).count == 1)
        #expect(store.stop() == nil)
    }

    @Test func deletionsAreNotCompleteBeyondTheJournal() throws {
        let last = try write().changes.recordedSequence
        try putFacts { $0.deletionsSequence = last + 1 }
        expectRefusal(beyond(last), at: "facts, row store")
    }

    // MARK: Numbers of jobs

    @Test func aNumberOfAJobIsNotGivenAgain() throws {
        _ = try write()
        try putFacts { $0.lastJobNumber = 0 }
        let store = try open()
        try StoreDriver(store).create("k", on: ["a"], at: 11)
        #expect(try (job(of: store.memory).number, job("k", of: store.memory).number) == (1, 2))
        #expect(store.stop() == nil)
    }

    /// When its deletion ends, it is looked for behind the number before its own.
    @Test func aCompleteJobHasACreationNumber() throws {
        let memory = try write()
        try putJob(of: memory) { $0.creationNumber = 0 }
        expectDamage("a complete job has no place among the others", at: "jobs, row 1")
    }

    @Test(
        arguments: [
            (0, "a complete job has no place among the others"), (RecordReader.numberMax, "a number is too great"),
        ] as [(UInt64, String)])
    func theNumberThatCompletesAJobIsChecked(number: UInt64, what: String) throws {
        let memory = try write()
        let job = StoredJob(
            CreateJobRequest(jobId: try JobId("k"), document: "{}", targetCount: 1, targets: []), number: 2, at: 3,
            changes: memory.changes)
        var targets = JobTargets()
        targets.append([try ThingName("c")])
        try append(.jobBegun, of: job, revision: memory.changes.revision + 1) { buffer in
            buffer.append(Int64(3))
            job.appendCreation(to: &buffer)
            buffer.append(number)
            targets.append(from: 0, atMost: 1, to: &buffer)
        }
        expectDamage(what, at: "journal, sequence \(memory.changes.recordedSequence + 1)")
    }

    // MARK: Executions

    /// Nobody would have counted it as open again, but it would be counted as finished once more.
    @Test func anExecutionThatHasEndedIsNotOpenedAgain() throws {
        let memory = try write()
        var image: ExecutionImage?
        let thing = try ThingName("a")
        memory.stripes[0].content.withLock { stripe in
            for slot in stripe.slots where stripe.things.name(of: slot.thing) == thing {
                image = ExecutionImage(record: slot.record, sequence: slot.sequence, startSequence: slot.startSequence)
            }
        }
        var opened = try #require(image)
        #expect(opened.record.status == .succeeded)
        opened.record.status = .inProgress
        let change = ExecutionChange(position: 0, from: .succeeded, actor: .device, image: opened)
        try append(.executionChanged, of: try job(of: memory), revision: memory.changes.revision + 1) { buffer in
            buffer.append(name: thing.bytes)
            change.append(to: &buffer)
            buffer.append(UInt8(0))
        }
        expectDamage(
            "an execution that has ended changes no more",
            at: "journal, sequence \(memory.changes.recordedSequence + 1)")
    }

    /// The next one that fails would be one too many for the field.
    @Test func notMoreAttemptsHaveFailedThanThereWere() throws {
        let memory = try write()
        try putExecution(on: "b", of: memory) { $0.record.retriesAfterFailed = 255 }
        expectDamage("a number is out of range", at: "executions, row 1, 1")
    }
}
