import Dispatch
import ErrandStore
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2)))
struct GroupCommitterTests {
    private let control = TestStorage.Control()
    private let broken = StorageFault.inputOutput(operation: "COMMIT", code: 1034, text: "disk I/O error")

    private func makeCommitter(byteCountMax: Int = 1 << 20) -> GroupCommitter<TestStorage> {
        let control = control
        return GroupCommitter(
            TestStorage(control), byteCountMax: byteCountMax, retryAfterDelay: { control.retryLater($0) })
    }

    /// Stops and returns what kept it from storing everything.
    @discardableResult
    private func stop<Storage>(_ committer: GroupCommitter<Storage>) -> StorageFault? {
        let done = DispatchSemaphore(value: 0)
        let fault = Mutex<StorageFault?>(nil)
        committer.stop { found in
            fault.withLock { $0 = found }
            done.signal()
        }
        done.wait()
        return fault.withLock { $0 }
    }

    private func hold() { control.isHolding.store(true, ordering: .sequentiallyConsistent) }
    private func release() {
        control.isHolding.store(false, ordering: .sequentiallyConsistent)
        control.gate.signal()
    }

    @Test func whatGathersDuringASyncIsOneGroup() throws {
        let committer = makeCommitter()
        hold()
        #expect(committer.put { $0.append(UInt8(1)) } == 1)
        control.arrived.wait()
        for number in 2...9 as ClosedRange<UInt64> {
            #expect(committer.put { $0.append(UInt8(truncatingIfNeeded: number)) } == number)
        }
        #expect(committer.durableSequence == 0)
        release()
        #expect(stop(committer) == nil)
        #expect(control.groups.map(\.first) == [1, 2] && control.groups.map(\.last) == [1, 9])
        #expect(committer.durableSequence == 9 && committer.state == .stopped)
        var found: [[UInt8]] = []
        let records = control.groups[1].records
        try JournalRecords.forEach(first: 2, last: 9, in: records.span.bytes) {
            found.append($1.array)
        }
        #expect(found == (2...9).map { [$0] })
        #expect(control.report.withLock { $0.isClosed })
    }

    /// A committer that has stored two groups, up to 1 and 40, and whose next one gathers: 41 to 50 so far.
    private func makeCrowd() -> GroupCommitter<TestStorage> {
        let control = control
        let committer = GroupCommitter(TestStorage(control), gatheringDelay: { control.retryLater($0) })
        hold()
        committer.put { $0.append(UInt8(1)) }
        control.arrived.wait()
        for number in 2...40 as ClosedRange<UInt8> { committer.put { $0.append(number) } }
        // One after the other, so that the second group is held too while others come behind it.
        control.gate.signal()
        control.arrived.wait()
        for number in 41...50 as ClosedRange<UInt8> { committer.put { $0.append(number) } }
        release()
        control.retried.wait()
        return committer
    }

    @Test func theGroupAfterACrowdGathersAndLosesNothing() {
        let committer = makeCrowd()
        #expect(control.groups.map(\.last) == [1, 40], "the third group was not to begin yet")
        for number in 51...60 as ClosedRange<UInt8> { committer.put { $0.append(number) } }
        control.retryNow()
        #expect(stop(committer) == nil)
        #expect(control.groups.map(\.last) == [1, 40, 60])
        #expect(committer.durableSequence == 60)
    }

    @Test func whoStopsDoesNotWaitForTheGathering() {
        let committer = makeCrowd()
        #expect(stop(committer) == nil)
        #expect(committer.durableSequence == 50)
        control.retryNow()
        #expect(control.groups.map(\.last) == [1, 40, 50])
    }

    @Test func waitersAreToldOnceInOrderAndOnlyAfterTheStorage() {
        let committer = makeCommitter()
        let order = Mutex<[UInt64]>([])
        let toldEarly = Atomic(false)
        let threadCount = 4
        let recordCount = 3000
        let left = DispatchGroup()
        let sequences = Mutex<[UInt64]>([])
        DispatchQueue.concurrentPerform(iterations: threadCount) { thread in
            for number in 0..<recordCount {
                let sequence = committer.put { $0.append(UInt64(thread * recordCount + number)) }
                sequences.withLock { $0.append(sequence) }
                left.enter()
                committer.whenDurable(sequence) { [control] result in
                    if control.storedLast < sequence || committer.durableSequence < sequence {
                        toldEarly.store(true, ordering: .relaxed)
                    }
                    if case .success = result { order.withLock { $0.append(sequence) } }
                    left.leave()
                }
            }
        }
        left.wait()
        #expect(stop(committer) == nil)
        let all = (1...UInt64(threadCount * recordCount)).map { $0 }
        #expect(sequences.withLock { $0.sorted() } == all)
        #expect(order.withLock { $0.sorted() } == all)
        let wasToldEarly = toldEarly.load(ordering: .relaxed)
        #expect(!wasToldEarly)
        // Groups follow each other, and hold each thread's records in its order.
        var next: UInt64 = 1
        var lastOf = [UInt64](repeating: 0, count: threadCount)
        for group in control.groups {
            #expect(group.first == next && group.last >= group.first)
            next = group.last + 1
            try? JournalRecords.forEach(first: group.first, last: group.last, in: group.records.span.bytes) {
                let value = $1.array.reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
                let thread = Int(value) / recordCount
                let number = value % UInt64(recordCount)
                #expect(number == 0 ? lastOf[thread] == 0 : lastOf[thread] == number - 1)
                lastOf[thread] = number
            }
        }
        #expect(next == UInt64(all.count) + 1)
    }

    @Test func waitersOfOneGroupComeInTheOrderOfTheirSequences() {
        let committer = makeCommitter()
        hold()
        _ = committer.put { $0.append(UInt8(0)) }
        control.arrived.wait()
        let order = Mutex<[UInt64]>([])
        for _ in 0..<5 { _ = committer.put { $0.append(UInt8(0)) } }
        for sequence in [4, 1, 6, 2, 5, 3] as [UInt64] {
            committer.whenDurable(sequence) { _ in order.withLock { $0.append(sequence) } }
        }
        release()
        stop(committer)
        #expect(order.withLock { $0 } == [1, 2, 3, 4, 5, 6])
        // What is durable is told inline.
        committer.whenDurable(6) { _ in order.withLock { $0.append(7) } }
        #expect(order.withLock { $0.last } == 7)
    }

    @Test func aFullDiskIsTriedAgainUntilThereIsRoom() {
        let committer = makeCommitter(byteCountMax: 40)
        control.report.withLock { $0.faults = [.diskFull(operation: "COMMIT"), .diskFull(operation: "COMMIT")] }
        let waiter = RecordingWaiter()
        let sequence = committer.put { $0.append(UInt64(5)) }
        committer.whenDurable(sequence, waiter)
        control.retried.wait()
        #expect(committer.state == .full && waiter.all == [] && committer.durableSequence == 0)
        // Producers go on until they are throttled.
        #expect(!committer.isThrottled)
        for _ in 0..<3 { _ = committer.put { $0.append(UInt64(6)) } }
        #expect(committer.isThrottled)
        control.retryNow()
        control.retried.wait()
        #expect(committer.state == .full)
        let other = RecordingWaiter()
        committer.whenDurable(4, other)
        control.retryNow()
        #expect(stop(committer) == nil)
        #expect(waiter.all == [.durable] && other.all == [.durable] && !committer.isThrottled)
        #expect(control.groups.map(\.last) == [1, 4])
        #expect(control.report.withLock { $0.faultCount } == 2)
    }

    @Test func stoppingOnAFullDiskTellsEverybody() {
        let committer = makeCommitter()
        control.report.withLock { $0.faults = [.diskFull(operation: "COMMIT"), .diskFull(operation: "COMMIT")] }
        let waiter = RecordingWaiter()
        committer.whenDurable(committer.put { $0.append(UInt64(5)) }, waiter)
        control.retried.wait()
        let fault = stop(committer)
        #expect(fault == .diskFull(operation: "store the last group"))
        #expect(waiter.all.count == 1 && waiter.all != [.durable] && committer.durableSequence == 0)
        control.retryNow()
        #expect(control.groups.isEmpty)
    }

    @Test func afterAnyOtherFaultNothingIsAcknowledged() {
        let committer = makeCommitter()
        let stored = RecordingWaiter()
        let signal = DispatchSemaphore(value: 0)
        let first = RecordingWaiter { signal.signal() }
        committer.whenDurable(committer.put { $0.append(UInt64(1)) }, first)
        signal.wait()
        control.report.withLock { $0.faults = [broken] }
        hold()
        let waiters = (0..<20).map { _ in RecordingWaiter() }
        committer.whenDurable(committer.put { $0.append(UInt64(2)) }, waiters[0])
        control.arrived.wait()
        for waiter in waiters[1...] { committer.whenDurable(committer.put { $0.append(UInt64(2)) }, waiter) }
        release()
        #expect(stop(committer) == broken)
        #expect(waiters.allSatisfy { $0.all == [.failed(broken)] })
        // What was durable before still is; what comes later never will be.
        committer.whenDurable(1, stored)
        #expect(first.all == [.durable] && stored.all == [.durable])
        let late = RecordingWaiter()
        committer.whenDurable(committer.put { $0.append(UInt64(2)) }, late)
        #expect(late.all == [.failed(broken)] && committer.state == .failed(broken))
        #expect(control.groups.count == 1 && control.report.withLock { $0.faultCount } == 1)
    }

    @Test func whatComesAfterAStopIsRefused() {
        let committer = makeCommitter()
        let kept = RecordingWaiter()
        committer.whenDurable(committer.put { $0.append(UInt64(1)) }, kept)
        #expect(stop(committer) == nil)
        let late = RecordingWaiter()
        committer.whenDurable(committer.put { $0.append(UInt64(2)) }, late)
        #expect(kept.all == [.durable] && late.all == [.failed(.stopped)] && control.groups.count == 1)
        #expect(stop(committer) == nil)
    }

    @Test func aCheckpointGetsItsTurnBetweenTwoGroups() throws {
        let store = TemporaryStore()
        let committer = GroupCommitter(try store.open())
        let left = DispatchGroup()
        let checkpointed = Mutex<[UInt64]>([])
        for round in 0..<20 {
            for _ in 0..<50 {
                left.enter()
                committer.whenDurable(committer.put { $0.append("record \(round)") }) { _ in left.leave() }
            }
            left.enter()
            committer.performBetweenGroups { (database) throws(StorageFault) in
                defer { left.leave() }
                let last = database.lastSequence
                try database.checkpointSomething(through: last, mark: UInt8(round))
                checkpointed.withLock { $0.append(last) }
            }
        }
        left.wait()
        #expect(stop(committer) == nil)
        #expect(checkpointed.withLock { $0.count } == 20)
        withExtendedLifetime(committer) {}
    }

    @Test func aFaultOfACheckpointEndsTheCommitter() throws {
        let store = TemporaryStore()
        let committer = GroupCommitter(try store.open())
        let waiter = RecordingWaiter()
        let signal = DispatchSemaphore(value: 0)
        committer.whenDurable(committer.put { $0.append("first") }, RecordingWaiter { signal.signal() })
        signal.wait()
        let found = Mutex<StorageFault?>(nil)
        committer.performBetweenGroups { database in
            let failed = try? store.withWAL(at: "/dev/null") {
                faultOf { try database.checkpointSomething(through: 1) }
            }
            found.withLock { $0 = failed ?? nil }
            signal.signal()
        }
        signal.wait()
        let fault = try #require(found.withLock { $0 })
        committer.whenDurable(committer.put { $0.append("second") }, waiter)
        #expect(stop(committer) == fault)
        #expect(waiter.all == [.failed(fault)])
    }

    @Test func sequencesGoOnWhereTheStoreEnded() throws {
        let store = TemporaryStore()
        do {
            let committer = GroupCommitter(try store.open())
            for number in 1...5 as ClosedRange<UInt64> { #expect(committer.put { $0.append(number) } == number) }
            #expect(stop(committer) == nil)
        }
        let database = try store.open()
        var found: [[UInt8]] = []
        try database.forEachRecord(after: 0) { found.append($1.array) }
        #expect(found.map { $0[0] } == [1, 2, 3, 4, 5])
        let committer = GroupCommitter(database)
        #expect(committer.durableSequence == 5 && committer.put { $0.append(UInt8(6)) } == 6)
        #expect(stop(committer) == nil)
    }
}

extension GroupCommitter {
    /// Appends a record and sees to it that it is stored.
    @discardableResult
    fileprivate func put(_ write: (inout JournalBuffer) -> Void) -> UInt64 {
        defer { begin() }
        return append(write)
    }
}
