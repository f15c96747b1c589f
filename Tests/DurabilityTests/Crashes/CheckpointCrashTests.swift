import Dispatch
import ErrandCore
import Synchronization
import Testing

@testable import ErrandStore

/// A crash between any two transactions of a checkpoint, with changes of every kind under way.
@Suite(.timeLimit(.minutes(3)))
struct CheckpointCrashTests {
    private static let rules = ExecutionRules(minuteLengthMilliseconds: 4000)

    /// The tables are nothing but a short cut: what a store makes of them and of the journal behind them is what it makes
    /// of the whole journal. So each crash is opened twice, with the tables and without, and both must be the same.
    @Test(arguments: 0..<3)
    func tablesAndTailAreTheSameAsTheWholeJournal(run: Int) throws {
        let seed = newSeed("checkpoint \(run)")
        let directory = TemporaryDirectory(isOnDisk: false)
        let store = try DurableExecutionStore(
            directory: directory.path, rules: Self.rules, at: 1000, stripeCount: 4)
        let first = store.changes.revision
        var work = RandomWork(seed: seed)
        var images: [StoreImage] = []
        var roundCount = 0
        // On a busy machine a checkpoint may be over before there were many images of it.
        while roundCount < 4 || (images.count <= 12 && roundCount < 20) {
            for _ in 0..<120 { try work.step(on: store) }
            images += try Self.checkpointing(store, directory, first, &work)
            roundCount += 1
        }
        // Its newest revision is seen when the last group is on disk.
        let isDurable = DispatchSemaphore(value: 0)
        store.committer.whenDurable(store.committer.lastSequence) { _ in isDurable.signal() }
        isDurable.wait()
        let live = StoreFingerprint(store.memory)
        #expect(store.stop() == nil)
        // Not every one, for the sake of time; the random ones that are left out have their turn in other runs.
        while images.count > 40 { images.remove(at: .random(in: images.indices)) }
        images.append(directory.image())
        var (tableCount, tailCount) = (0, 0)
        for (number, image) in images.enumerated() {
            let opened = try Self.open(image, at: work.now)
            let replayed = try Self.replayed(image, first, at: work.now)
            tableCount += opened.rowCount
            tailCount += opened.tailCount
            for difference in opened.fingerprint.differences(from: replayed).prefix(3) {
                Issue.record("seed \(seed), image \(number) of \(images.count): tables \(difference)")
            }
            if number == images.count - 1 {
                for difference in opened.fingerprint.differences(from: live).prefix(5) {
                    Issue.record("seed \(seed), at the end: restarted \(difference)")
                }
            }
        }
        print("\(images.count) crashes, \(tableCount) rows, \(tailCount) records behind them")
        #expect(images.count > 12 && tableCount > 0 && tailCount > 0)
    }

    /// Makes a checkpoint while calls go on, and takes an image between each two transactions.
    private static func checkpointing(
        _ store: DurableExecutionStore, _ directory: TemporaryDirectory, _ first: UInt64, _ work: inout RandomWork
    ) throws -> [StoreImage] {
        let ended = DispatchSemaphore(value: 0)
        let box = CheckpointBox(store)
        DispatchQueue.global().async {
            // The journal stays whole, so that the other way to read it is there.
            box.run(journalStart: (0, first))
            ended.signal()
        }
        var images: [StoreImage] = []
        while ended.wait(timeout: .now()) == .timedOut {
            try work.step(on: store)
            let taken = DispatchSemaphore(value: 0)
            let image = ImageBox()
            store.committer.performBetweenGroups { _ in
                image.take(directory)
                taken.signal()
            }
            taken.wait()
            if let image = image.image { images.append(image) }
        }
        #expect(box.fault == nil)
        return images
    }

    private struct Opened {
        var fingerprint: StoreFingerprint
        var rowCount: Int
        var tailCount: Int
    }

    private static func open(_ image: StoreImage, at now: Int64) throws -> Opened {
        let directory = try image.directory()
        let database = try JournalDatabase.open(directory: directory.path, create: false)
        var rowCount = 0
        try database.forEachExecution(.all) { _, _ in rowCount += 1 }
        let tail = Int(database.lastSequence - database.checkpointSequence)
        try database.close()
        let store = try DurableExecutionStore(
            directory: directory.path, rules: rules, at: now, stripeCount: 4)
        defer { _ = store.stop() }
        return Opened(fingerprint: StoreFingerprint(store.memory), rowCount: rowCount, tailCount: tail)
    }

    /// From the journal of the image alone.
    private static func replayed(_ image: StoreImage, _ first: UInt64, at now: Int64) throws -> StoreFingerprint {
        let (source, target) = (try image.directory(), TemporaryDirectory(isOnDisk: false))
        let old = try JournalDatabase.open(directory: source.path, create: false)
        let new = try JournalDatabase.open(directory: target.path, create: true)
        var buffer = JournalBuffer()
        StoreFacts(journalStartRevision: first).append(to: &buffer)
        let facts = buffer.bytes
        try new.fold { (transaction) throws(StorageFault) in
            try transaction.putFact(StoreFacts.name, body: facts.span.bytes)
        }
        try old.forEachGroup(after: 0) { (first, last, records) throws(StorageFault) in
            try new.appendGroup(first: first, last: last, records: records)
        }
        try old.close()
        try new.close()
        let store = try DurableExecutionStore(directory: target.path, rules: rules, at: now, stripeCount: 4)
        defer { _ = store.stop() }
        return StoreFingerprint(store.memory)
    }
}

/// A checkpoint on a thread of its own, with few rows in each transaction.
private final class CheckpointBox: Sendable {
    private let store: DurableExecutionStore
    private let outcome = Mutex<StorageFault?>(nil)

    init(_ store: DurableExecutionStore) { self.store = store }

    var fault: StorageFault? { outcome.withLock { $0 } }

    func run(journalStart: (UInt64, UInt64)) {
        var checkpoint = StoreCheckpoint(
            store: store.memory, committer: store.committer,
            journalStart: (sequence: journalStart.0, revision: journalStart.1), pace: SlicePace(rowCount: 5),
            pause: { false })
        let fault = checkpoint.run(through: store.committer.durablePoint).fault
        outcome.withLock { $0 = fault }
    }
}

final class ImageBox: Sendable {
    private let taken = Mutex<StoreImage?>(nil)

    var image: StoreImage? { taken.withLock { $0 } }

    func take(_ directory: TemporaryDirectory) {
        let image = directory.image()
        taken.withLock { $0 = image }
    }
}
