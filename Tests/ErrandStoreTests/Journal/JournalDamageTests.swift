import ErrandStore
import Testing

/// Damaged files hold what was written up to some point, or are refused: never anything else, and never a trap.
@Suite(.timeLimit(.minutes(5)))
struct JournalDamageTests {
    private let store = TemporaryStore()

    /// A store with rows in every table, in the database and in the WAL.
    private func makeFiles(groupCount: Int = 6) throws -> (files: StoreFiles, content: StoreContent) {
        let database = try store.open()
        try database.appendGroup(recordCount: 20)
        // These stay in the journal and get into the database's file, where only their own checksums protect them.
        for _ in 1...3 { try database.appendGroup(recordCount: 100, byteCount: 100) }
        try database.checkpointSomething(through: 20)
        for count in 1...groupCount { try database.appendGroup(recordCount: UInt64(count), byteCount: 100) }
        return (store.files(), try database.content())
    }

    private enum Outcome { case whole, prefix, fault }

    private func outcome(of files: StoreFiles, _ whole: StoreContent) throws -> Outcome? {
        let damaged = TemporaryStore(isOnDisk: false)
        try damaged.replace(with: files)
        do throws(StorageFault) {
            let found = try JournalDatabase.open(directory: damaged.path, create: true).content()
            return found == whole ? .whole : found.isPrefix(of: whole) ? .prefix : nil
        } catch {
            return .fault
        }
    }

    @Test func aWALCutAtAnyByteHoldsAPrefix() throws {
        let (files, whole) = try makeFiles(groupCount: 2)
        // The WAL is written again from its beginning after the checkpoint, so that its head is what counts.
        let frameByteCount = 8192 + 24
        var prefixCount = 0
        for byteCount in 32...(32 + 8 * frameByteCount) where byteCount % 61 == 0 || byteCount % frameByteCount < 40 {
            var cut = files
            cut.wal.removeSubrange(min(byteCount, cut.wal.count)...)
            let outcome = try outcome(of: cut, whole)
            #expect(outcome == .whole || outcome == .prefix, "cut at \(byteCount)")
            if outcome == .prefix { prefixCount += 1 }
        }
        #expect(prefixCount > 100)
    }

    @Test func everyByteOfTheLastFrameMayBeMissing() throws {
        let database = try store.open()
        try database.appendGroup(recordCount: 2)
        let before = try database.content()
        try database.appendGroup(recordCount: 1)
        let files = store.files()
        for missing in 1...(8192 + 24) where missing < 64 || missing % 16 == 0 || missing > 8150 {
            var cut = files
            cut.wal.removeLast(missing)
            #expect(try outcome(of: cut, database.content()) == .prefix)
        }
        var cut = files
        cut.wal.removeLast(1)
        let other = TemporaryStore()
        try other.replace(with: cut)
        let reopened = try other.open()
        #expect(try reopened.content() == before)
        // It goes on from there, over what was torn.
        try reopened.appendGroup(recordCount: 4)
        #expect(reopened.lastSequence == 6 && reopened.verify() == [])
    }

    @Test func bitsFlippedInTheWALAreNeverBelieved() throws {
        let (files, whole) = try makeFiles()
        var generator = Generator(state: 7)
        var counts: [Outcome: Int] = [:]
        for _ in 0..<2000 {
            var damaged = files
            let bit = Int(generator.next() % UInt64(files.wal.count * 8))
            damaged.wal[bit / 8] ^= 1 << UInt8(bit % 8)
            let outcome = try #require(try outcome(of: damaged, whole), "bit \(bit) of the WAL changed the content")
            counts[outcome, default: 0] += 1
        }
        #expect(counts[.fault, default: 0] > 100, "\(counts)")
    }

    @Test func bitsFlippedInTheDatabaseAreNeverBelieved() throws {
        let (files, whole) = try makeFiles()
        var generator = Generator(state: 8)
        var faultCount = 0
        for round in 0..<3000 {
            var damaged = files
            // Many rounds in the headers of pages and in the first page, where a bit means most.
            var byte = Int(generator.next() % UInt64(files.database.count))
            if round % 3 == 0 { byte = byte / 8192 * 8192 + Int(generator.next() % 64) }
            if round % 7 == 0 { byte = Int(generator.next() % 100) }
            let bit = UInt8(generator.next() % 8)
            damaged.database[byte] ^= 1 << bit
            let outcome = try #require(
                try outcome(of: damaged, whole), "bit \(bit) of byte \(byte) of the database changed the content")
            #expect(outcome != .prefix, "bit \(bit) of byte \(byte) of the database lost records")
            if outcome == .fault { faultCount += 1 }
        }
        #expect(faultCount > 300, "\(faultCount)")
    }

    @Test func damageBeforeDurableGroupsIsNoTornTail() throws {
        let database = try store.open()
        for _ in 0..<5 { try database.appendGroup(recordCount: 1) }
        var files = store.files()
        // The first group's first frame: SQLite alone would drop all five groups without a word.
        files.wal[32 + 24 + 100] ^= 1
        let other = TemporaryStore()
        try other.replace(with: files)
        guard case .damaged(let damage) = faultOf({ _ = try other.open() }) else {
            return #expect(Bool(false), "accepted")
        }
        #expect(damage.place.hasSuffix("errand.db-wal, offset 32"))
    }

    /// The frame that ends a transaction says so in four bytes, and whose it is in eight. Without those the next transaction
    /// looks like the rest of a torn one.
    @Test func damageToTheEndOfATransactionIsNoTornTail() throws {
        let database = try store.open()
        for _ in 0..<4 { try database.appendGroup(recordCount: 1) }
        let files = store.files()
        let whole = try database.content()
        let frameByteCount = 8192 + 24
        let ends = stride(from: 32, to: files.wal.count, by: frameByteCount).filter { offset in
            files.wal[(offset + 4)..<(offset + 8)] != [0, 0, 0, 0]
        }
        #expect(ends.count == 4)
        for (number, end) in ends.enumerated() {
            for bit in 32..<128 {
                var damaged = files
                damaged.wal[end + bit / 8] ^= 1 << UInt8(bit % 8)
                let outcome = try outcome(of: damaged, whole)
                // Of the last one nobody can tell whether it was ever complete.
                let isRight = number < 3 ? outcome == .fault : outcome == .prefix || outcome == .fault
                #expect(isRight, "bit \(bit) of the frame at \(end)")
            }
        }
    }

    /// SplitMix64, so that a failure comes again.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            return value ^ (value >> 31)
        }
    }
}
