import ErrandCore
import ErrandStore
import Glibc

/// A store in memory with one job on 1,000 things, all in progress, and a batch that is used again and again.
final class SampleStore {
    private let store: MemoryExecutionStore
    private let batch = CommandBatch { _ in }
    private let things: [ThingName]
    /// Made before, so that only the store's work is counted.
    private let details: [StatusDetails]
    let jobId: JobId
    static let now: Int64 = 1_790_000_000_000

    init() throws {
        // Where names fall in the store's tables is the same in every run, or one count in ten is a few parts higher.
        var numbers = FixedNumbers()
        store = MemoryExecutionStore(rules: ExecutionRules(), nameHash: NameHash(using: &numbers))
        jobId = try Sample.jobId()
        things = try (0..<1000).map(Sample.thingName)
        details = try (10..<100).map(Sample.details)
        let created = decide(
            .createJob(CreateJobRequest(jobId: jobId, document: "{}", targetCount: 1000, targets: things)))
        if case .refused(let refusal) = created { throw WrongResult("no job: \(refusal)") }
        for index in things.indices { try update(index) }
    }

    private func decide(_ command: StoreCommand) -> StoreOutcome? {
        batch.commands.append(command)
        store.submit(batch, at: Self.now)
        let outcome = batch.outcomes.last
        batch.reset()
        return outcome
    }

    /// As the calls of one read.
    func describe16(_ index: Int) throws {
        for other in 0..<16 {
            let thing = things[(index &* 16 + other) % things.count]
            batch.describes.add(jobId: jobId.bytes, thingName: thing.bytes, executionNumber: nil)
        }
        batch.commands.append(.describe(0..<16))
        store.submit(batch, at: Self.now)
        for place in 0..<16 where batch.describes[place]?.facts.status != .inProgress {
            throw WrongResult("no execution")
        }
        batch.reset()
    }

    func update(_ index: Int) throws {
        let request = UpdateJobExecutionRequest(
            jobId: jobId, thingName: things[index % things.count], status: .inProgress,
            statusDetails: details[index % details.count])
        guard case .changed = decide(.update(request)) else { throw WrongResult("no change") }
    }
}

/// The same numbers in every run.
private struct FixedNumbers: RandomNumberGenerator {
    private var state: UInt64 = 0x9E37_79B9_7F4A_7C15

    mutating func next() -> UInt64 {
        state = state &* 0xD134_2543_DE82_EF95
        return state
    }
}

/// A journal in a directory of its own, in memory where there is such a file system: instructions are counted, not time.
final class SampleJournal {
    private let path: String
    private let journal: JournalDatabase
    private let records: [UInt8]

    init() throws {
        var template = Array("/dev/shm/errand-micro-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw WrongResult("no directory in /dev/shm") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        journal = try JournalDatabase.open(directory: path + "/store", create: true)
        records = Array(repeating: 0x5A, count: 64 * 250)
    }

    deinit {
        try? journal.close()
        // The journal's own three files and two directories; what else there may be stays.
        for name in ["errand.db", "errand.db-wal", "errand.db-shm", "lock"] { unlink(path + "/store/" + name) }
        rmdir(path + "/store")
        rmdir(path)
    }

    /// 64 records of 250 bytes.
    func append() throws {
        let records = records
        let first = journal.lastSequence + 1
        try journal.appendGroup(first: first, last: first + 63, records: records.span.bytes)
    }
}

let storeCases = [
    MicroCase(name: "rules-update") {
        let rules = ExecutionRules()
        let record = try Sample.record()
        let request = UpdateJobExecutionRequest(
            jobId: try Sample.jobId(), thingName: try Sample.thingName(7), status: .inProgress,
            statusDetails: try Sample.details(43), expectedVersion: 3)
        return { _ in
            guard
                case .changed = rules.update(record, request, inProgressTimeoutInMinutes: nil, at: SampleStore.now)
            else { throw WrongResult("no change") }
        }
    },
    MicroCase(name: "store-describe-16") {
        let sample = try SampleStore()
        return { try sample.describe16($0) }
    },
    MicroCase(name: "store-update") {
        let sample = try SampleStore()
        return { try sample.update($0) }
    },
    MicroCase(name: "journal-append-64") {
        let sample = try SampleJournal()
        return { _ in try sample.append() }
    },
]
