import ErrandCore
import Testing

@testable import ErrandStore

/// Damaged files, opened as the server opens them: TARGETS R3. What comes of them is what the store once was, with at most
/// the last group missing, which is what a torn write leaves; or a refusal that says what is wrong and where.
@Suite(.timeLimit(.minutes(5)))
struct StoreDamageTests {
    private struct Original {
        var files: StoreFiles
        var expected: ExpectedStates
        /// The ends of groups.
        var sequences: [UInt64]
    }

    private enum Outcome: String { case whole, prefix, refused }

    private struct Wrong: Error, CustomStringConvertible { let description: String }

    /// Rows in every table, a journal behind them, and a WAL that was begun anew.
    private func make(seed: UInt64) throws -> Original {
        let steps = try RandomWorkload.steps(seed: seed, count: 14, commandsPerStep: 4)
        let expected = try ExpectedStates(of: steps)
        let directory = TemporaryStore(isOnDisk: false)
        let store = try open(directory)
        for (index, step) in steps.enumerated() {
            store.settle(to: step.now)
            _ = StoreDriver(store).outcomes(of: step.commands, at: step.now)
            if index == 5 { try #require(store.checkpoint() == nil) }
        }
        return Original(files: directory.files(), expected: expected, sequences: expected.states.keys.sorted())
    }

    private func open(_ directory: TemporaryStore) throws -> DurableExecutionStore {
        try DurableExecutionStore(directory: directory.path, rules: RandomWorkload.rules, at: 0, stripeCount: 1)
    }

    private func outcome(of files: StoreFiles, _ original: Original, earliest: UInt64) throws -> Outcome {
        let directory = TemporaryStore(isOnDisk: false)
        try directory.replace(with: files)
        let store: DurableExecutionStore
        do {
            store = try open(directory)
        } catch let fault as StorageFault {
            switch fault {
            case .damaged(let damage) where damage.place.isEmpty || damage.what.isEmpty:
                throw Wrong(description: "a refusal without a place: \(fault)")
            case .damaged, .unknownFormat, .inputOutput: return .refused
            default: throw Wrong(description: "not a refusal for damage: \(fault)")
            }
        }
        if let mismatch = original.expected.mismatch(of: store) { throw Wrong(description: mismatch) }
        if store.committer.lastSequence == original.sequences.last { return .whole }
        guard store.committer.lastSequence >= earliest else {
            throw Wrong(description: "groups are missing from \(store.committer.lastSequence) on")
        }
        return .prefix
    }

    @Test func bitsFlippedAnywhereAreNeverBelieved() throws {
        let seed: UInt64 = 41
        let original = try make(seed: seed)
        var random = SeededGenerator(seed: seed)
        var counts: [Outcome: Int] = [:]
        let lastButOne = try #require(original.sequences.dropLast().last)
        for round in 0..<10_000 {
            var files = original.files
            let bit = UInt8.random(in: 0..<8, using: &random)
            let place: String
            if round % 2 == 0 {
                let byte = Int.random(in: files.wal.indices, using: &random)
                files.wal[byte] ^= 1 << bit
                place = "WAL, byte \(byte), bit \(bit)"
            } else {
                // Often in the headers of pages, where a bit means most.
                var byte = Int.random(in: files.database.indices, using: &random)
                if round % 5 == 0 { byte = byte / 8192 * 8192 + Int.random(in: 0..<100, using: &random) }
                files.database[byte] ^= 1 << bit
                place = "database, byte \(byte), bit \(bit)"
            }
            do {
                let outcome = try outcome(of: files, original, earliest: round % 2 == 0 ? lastButOne : .max)
                counts[outcome, default: 0] += 1
            } catch {
                Issue.record("seed \(seed), \(place): \(error)")
            }
        }
        print("bit flips: seed \(seed), \(counts.map { "\($0.key.rawValue) \($0.value)" }.sorted())")
        #expect(counts[.refused, default: 0] > 1000 && counts[.whole, default: 0] > 100)
    }

    /// Whoever took it for a new one would write over what it knew before anything else is looked at.
    @Test(arguments: [true, false])
    func aStoreWithoutItsFactsIsNotANewOne(hasRecords: Bool) throws {
        let directory = TemporaryStore(isOnDisk: false)
        let store = try open(directory)
        if hasRecords { try StoreDriver(store).create("j", on: ["t"], at: 1) }
        #expect(store.stop() == nil)
        let database = try directory.open()
        #expect((database.lastSequence > 0) == hasRecords)
        try database.fold { (_) throws(StorageFault) in try database.connection.execute("DELETE FROM facts") }
        try database.close()
        let files = directory.files()
        #expect(throws: StorageFault.damaged("the row is missing", at: "facts, row store")) { try open(directory) }
        #expect(directory.files().database == files.database)
    }

    @Test func aWALCutAnywhereHoldsAPrefix() throws {
        let original = try make(seed: 42)
        let frameByteCount = 8192 + 24
        var counts: [Outcome: Int] = [:]
        for byteCount in 0..<original.files.wal.count {
            let intoFrame = (byteCount - 32) % frameByteCount
            guard byteCount < 40 || intoFrame < 26 || byteCount % 97 == 0 else { continue }
            var files = original.files
            files.wal.removeSubrange(byteCount...)
            // The database alone may be older than the checkpoint's rows, never newer than its journal.
            let outcome = try outcome(of: files, original, earliest: 0)
            counts[outcome, default: 0] += 1
        }
        print("WAL cuts: \(counts.map { "\($0.key.rawValue) \($0.value)" }.sorted())")
        #expect(counts[.prefix, default: 0] > 500)
    }

    @Test func aDatabaseCutAnywhereIsRefusedOrWhole() throws {
        let original = try make(seed: 43)
        var counts: [Outcome: Int] = [:]
        for byteCount in 0..<original.files.database.count {
            let intoPage = byteCount % 8192
            guard byteCount < 110 || intoPage < 3 || intoPage > 8189 || byteCount % 211 == 0 else { continue }
            var files = original.files
            files.database.removeSubrange(byteCount...)
            // Pages that are in the WAL too are not missed.
            let outcome = try outcome(of: files, original, earliest: .max)
            counts[outcome, default: 0] += 1
        }
        print("database cuts: \(counts.map { "\($0.key.rawValue) \($0.value)" }.sorted())")
        #expect(counts[.refused, default: 0] > 500)
    }
}
