import ErrandCore
import Synchronization
import Testing

@testable import ErrandStore

/// What a crash leaves, at every single write and sync of a busy store that makes checkpoints: the end of the process, and
/// the end of the power, which may take or leave any write that was not synced.
@Suite(.timeLimit(.minutes(5)))
struct CrashPointTests {
    private struct Run {
        var expected: ExpectedStates
        var start: StoreFiles
        var entries: [DiskRecording.Entry]
    }

    /// A workload on the real store, recorded. `checkpointEvery` so many steps the journal is folded.
    private func run(seed: UInt64, stepCount: Int, checkpointEvery: Int) throws -> Run {
        let steps = try RandomWorkload.steps(seed: seed, count: stepCount, commandsPerStep: 5)
        let expected = try ExpectedStates(of: steps)
        let directory = TemporaryStore(isOnDisk: false)
        let store = try open(directory)
        let recording = DiskRecording(directory)
        let driver = StoreDriver(store)
        for (index, step) in steps.enumerated() {
            store.settle(to: step.now)
            _ = driver.outcomes(of: step.commands, at: step.now)
            recording.acknowledge(store.committer.durableSequence)
            if index % checkpointEvery == checkpointEvery - 1 { try #require(store.checkpoint() == nil) }
        }
        #expect(expected.mismatch(of: store) == nil)
        #expect(store.stop() == nil)
        return Run(expected: expected, start: recording.start, entries: recording.entries)
    }

    private func open(_ directory: TemporaryStore, at now: Int64 = 0) throws -> DurableExecutionStore {
        try DurableExecutionStore(directory: directory.path, rules: RandomWorkload.rules, at: now, stripeCount: 1)
    }

    /// Opens copies of `files` and says what is wrong with what comes of them.
    private func examine(_ files: StoreFiles, _ run: Run, acknowledged: UInt64) throws -> String? {
        let directory = TemporaryStore(isOnDisk: false)
        try directory.replace(with: files)
        let store = try open(directory)
        guard store.committer.lastSequence >= acknowledged else {
            return "\(acknowledged) was acknowledged, \(store.committer.lastSequence) is there"
        }
        return run.expected.mismatch(of: store) ?? run.expected.eventMismatch(of: store)
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func aCrashAtAnyWriteRecoversAllThatWasAcknowledged(_ seed: UInt64) throws {
        let run = try run(seed: seed, stepCount: 40, checkpointEvery: 9)
        var random = SeededGenerator(seed: seed)
        var disk = PlayedDisk(run.start)
        for (index, entry) in run.entries.enumerated() {
            let afterCrash = try examine(disk.files, run, acknowledged: entry.acknowledged)
            #expect(afterCrash == nil, "seed \(seed), process ended before call \(index) of \(run.entries.count)")
            let powerless = disk.afterPowerLoss(&random)
            let afterLoss = try examine(powerless, run, acknowledged: entry.acknowledged)
            #expect(afterLoss == nil, "seed \(seed), power ended before call \(index) of \(run.entries.count)")
            disk.play(entry)
        }
        print("crash points: seed \(seed), \(run.entries.count) calls, each with both ends")
        #expect(run.entries.count > 300)
    }

    /// The start after a crash is itself ended at each of its writes, and so is the stop that follows it.
    @Test func interruptedRecoveriesEndInTheSameState() throws {
        let seed: UInt64 = 11
        let run = try run(seed: seed, stepCount: 30, checkpointEvery: 7)
        var disk = PlayedDisk(run.start)
        var recoveryCount = 0
        let stride = max(1, run.entries.count / 34)
        for (index, entry) in run.entries.enumerated() {
            disk.play(entry)
            guard index % stride == stride - 1 else { continue }
            recoveryCount += try interrupt(recoveryOf: disk.files, run, "seed \(seed), call \(index)")
        }
        print("interrupted recoveries: \(recoveryCount)")
        #expect(recoveryCount >= 100)
    }

    private func interrupt(recoveryOf files: StoreFiles, _ run: Run, _ place: String) throws -> Int {
        let directory = TemporaryStore(isOnDisk: false)
        try directory.replace(with: files)
        let recording = DiskRecording(directory)
        let store = try open(directory)
        let sequence = store.committer.lastSequence
        #expect(store.checkpoint() == nil)
        #expect(store.stop() == nil)
        var again = PlayedDisk(recording.start)
        let entries = recording.entries
        for (index, entry) in entries.enumerated() {
            again.play(entry)
            // The first is what the second process leaves; that is opened twice more, each time ended without a word.
            let finding = try examine(again.files, run, acknowledged: sequence)
            #expect(finding == nil, "\(place), recovery ended after call \(index) of \(entries.count)")
        }
        return entries.count
    }
}
