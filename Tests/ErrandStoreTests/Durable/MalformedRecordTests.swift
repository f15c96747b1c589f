import ErrandCore
import Testing

@testable import ErrandStore

/// Rows and records whose checksums are right and whose content is not: what a wrong program, or a wrong version of this
/// one, may have written. Opening such a store ends with a store or with a fault that names a place, never with a trap;
/// and a store that opens can be used.
@Suite(.timeLimit(.minutes(5)))
struct MalformedRecordTests {
    /// What a store wrote, in parts that can be put together again.
    private struct Written {
        /// With rows, and an empty journal.
        var files: StoreFiles
        var journalStart: UInt64
        var records: [[UInt8]] = []
        var jobs: [Int64: [UInt8]] = [:]
        var targets: [(job: Int64, chunk: Int64, body: [UInt8])] = []
        var executions: [(row: ExecutionRow, body: [UInt8])] = []
        var facts: [UInt8] = []
        var steps: [RandomWorkload.Step]
    }

    private func write(seed: UInt64) throws -> Written {
        let steps = try RandomWorkload.steps(seed: seed, count: 60, commandsPerStep: 5)
        let directory = TemporaryStore(isOnDisk: false)
        let store = try DurableExecutionStore(
            directory: directory.path, rules: RandomWorkload.rules, at: 0, stripeCount: 1)
        func run(_ steps: some Sequence<RandomWorkload.Step>) {
            for step in steps {
                store.settle(to: step.now)
                _ = StoreDriver(store).outcomes(of: step.commands, at: step.now)
            }
        }
        run(steps[..<30])
        // The second one empties the journal, which keeps what is behind the one before.
        for _ in 0..<2 { try #require(store.checkpoint() == nil) }
        var written = Written(files: directory.files(), journalStart: store.committer.durableSequence, steps: steps)
        run(steps[30...])
        try #require(store.stop() == nil)
        let database = try directory.open()
        #expect(database.journalStart == written.journalStart)
        try database.forEachRecord(after: database.journalStart) { written.records.append($1.array) }
        let rows = TemporaryStore(isOnDisk: false)
        try rows.replace(with: written.files)
        let old = try rows.open()
        try old.forEachJob { written.jobs[$0] = $1.array }
        try old.forEachTargets { written.targets.append(($0, $1, $2.array)) }
        try old.forEachExecution(.all) { written.executions.append(($0, $1.array)) }
        _ = try old.fact(StoreFacts.name) { written.facts = $0.array }
        return written
    }

    private enum Outcome { case opened, refused }

    /// A store with one thing changed in it, opened and used.
    private func open(_ written: Written, _ change: Change, _ random: inout SeededGenerator) throws -> Outcome {
        let directory = TemporaryStore(isOnDisk: false)
        try directory.replace(with: written.files)
        let database = try directory.open()
        var records = written.records
        try database.fold { (rows) throws(StorageFault) in
            switch change {
            case .record:
                let index = Int.random(in: records.indices, using: &random)
                mutate(&records[index], &random)
            case .job:
                guard let (job, old) = written.jobs.sorted(by: { $0.key < $1.key }).randomElement(using: &random)
                else { return }
                var body = old
                mutate(&body, &random)
                try rows.putJob(job, body: body.span.bytes)
            case .targets:
                guard let (job, chunk, old) = written.targets.randomElement(using: &random) else { return }
                var body = old
                mutate(&body, &random)
                try rows.putTargets(job, chunk: chunk, body: body.span.bytes)
            case .execution:
                guard var (row, body) = written.executions.randomElement(using: &random) else { return }
                if Int.random(in: 0..<8, using: &random) == 0 {
                    row.position = one(of: [-1, 1 << 20, 1 << 32, .max], &random)
                } else {
                    mutate(&body, &random)
                }
                try rows.putExecution(row, body: body.span.bytes)
            case .nothing: break
            case .facts:
                var body = written.facts
                mutate(&body, &random)
                try rows.putFact(StoreFacts.name, body: body.span.bytes)
            }
        }
        var buffer = JournalBuffer()
        for record in records { buffer.appendRecord { $0.append(record.span.bytes) } }
        try database.appendGroup(
            first: database.lastSequence + 1, last: database.lastSequence + UInt64(records.count),
            records: buffer.bytes.span.bytes)
        return try use(database, written)
    }

    private func use(_ database: sending JournalDatabase, _ written: Written) throws -> Outcome {
        let store: DurableExecutionStore
        do throws(StorageFault) {
            store = try DurableExecutionStore(
                database, rules: RandomWorkload.rules, limits: StoreLimits(), at: 0, stripeCount: 1,
                tuning: DurableExecutionStore.Tuning(parts: ExecutionParts(countMax: 2, rowCountMin: 1)))
        } catch {
            guard case .damaged(let damage) = error, !damage.place.isEmpty, !damage.what.isEmpty else { throw error }
            return .refused
        }
        let now = written.steps.last?.now ?? 0
        _ = StoreImage(of: store.memory)
        let driver = StoreDriver(store)
        for thing in 0..<6 {
            _ = try driver.listForThing("thing:\(thing)", at: now)
            _ = try driver.pending("thing:\(thing)", at: now)
        }
        for job in 0..<12 {
            _ = try driver.job("job-\(job)", at: now)
            _ = try? driver.history("job-\(job)", "thing:\(job % 6)", at: now)
        }
        _ = store.advance(to: now + 100_000, limit: 1000)
        for step in written.steps.prefix(3) { _ = driver.outcomes(of: step.commands, at: now + 100_000) }
        _ = store.checkpoint()
        _ = store.stop()
        return .opened
    }

    private enum Change: CaseIterable { case record, job, targets, execution, facts, nothing }

    @Test(arguments: [32, 34, 36] as [UInt64])
    func malformedContentIsRefusedOrHarmless(_ seed: UInt64) throws {
        let written = try write(seed: seed)
        let counted =
            "\(written.records.count) records, \(written.executions.count) executions, \(written.jobs.count) jobs"
        try #require(
            written.records.count > 60 && written.executions.count > 3 && written.jobs.count > 2, "\(counted)")
        var random = SeededGenerator(seed: seed)
        var counts: [String: Int] = [:]
        for round in 0..<800 {
            // Records have the most forms.
            let change = round % 2 == 0 ? Change.record : Change.allCases[round / 2 % Change.allCases.count]
            let outcome = try open(written, change, &random)
            counts["\(change) \(outcome)", default: 0] += 1
        }
        print("malformed content: seed \(seed), \(counts.sorted { $0.key < $1.key })")
        #expect(counts["nothing refused"] == nil)
        #expect(counts["record refused", default: 0] > 50 && counts["record opened", default: 0] > 50)
    }

    // MARK: Changing bytes

    private func mutate(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
        for _ in 0..<Int.random(in: 1...2, using: &random) {
            guard !bytes.isEmpty else { return bytes.append(UInt8.random(in: 0...255, using: &random)) }
            let index = Int.random(in: bytes.indices, using: &random)
            switch Int.random(in: 0..<8, using: &random) {
            case 0: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: bytes[index] = UInt8.random(in: 0...255, using: &random)
            case 2: bytes.removeSubrange(index...)
            case 3: bytes.insert(UInt8.random(in: 0...255, using: &random), at: index)
            case 4: bytes.remove(at: index)
            case 5: overwrite(&bytes, at: index, with: one(of: [0xFF, 0x7F, 0x80, 0], &random), count: 8)
            case 6: overwrite(&bytes, at: index, with: 0xFF, count: 4)
            default: bytes[index] = one(of: [0, 1, 0x7F, 0x80, 0xFE, 0xFF], &random)
            }
        }
    }

    /// Numbers at the ends of their range: where sums overflow, and where counts ask for all the memory there is.
    private func overwrite(_ bytes: inout [UInt8], at index: Int, with first: UInt8, count: Int) {
        for offset in index..<min(bytes.count, index + count) { bytes[offset] = offset == index ? first : 0xFF }
        if index + count <= bytes.count { bytes[index + count - 1] = first }
    }

    private func one<Value>(of values: [Value], _ random: inout SeededGenerator) -> Value {
        values[Int.random(in: values.indices, using: &random)]
    }
}
