internal import Dispatch
internal import Synchronization

/// Group commit: producers append records under their own locks and never wait for the disk; one writer makes all
/// that has gathered durable at once, and then tells those who wait.
///
/// Each turn of the writer is one block on its serial queue, so that what `performBetweenGroups` brings gets its turn
/// under any load. When the disk is full the group stays and is tried again; any other fault is the end: what was not
/// durable then never is, and nothing after it is acknowledged.
///
/// `@unchecked Sendable`: `storage` and `group` are touched only on `queue`; what producers share is in `shared`.
package final class GroupCommitter<Storage: GroupStorage>: @unchecked Sendable {
    package enum State: Sendable, Equatable {
        case running
        /// The disk is full; the group waits and is tried again.
        case full
        case failed(StorageFault)
        case stopped
    }

    package typealias Delay = @Sendable (_ retry: @escaping @Sendable () -> Void) -> Void

    private let storage: Storage
    private let queue = DispatchQueue(label: "errand.journal", qos: .userInitiated)
    private let retryAfterDelay: Delay
    private let gatheringDelay: Delay?
    private let byteCountMax: Int
    private let shared: Mutex<Shared>
    private let durable: Atomic<UInt64>
    /// Told the mark of each group that has become durable, on the queue, before those who wait for it.
    private let onDurable: @Sendable (_ mark: UInt64) -> Void
    /// Told each new state, on the queue.
    private let onState: @Sendable (State) -> Void
    private let throttled = Atomic(false)
    /// False while the disk is full, and for good after a failure or a stop.
    private let accepting = Atomic(true)
    /// What is being stored, and then empty; it changes places with the gathering one.
    private var group = JournalBuffer()
    /// Told outside of the lock, and then empty; it changes places too.
    private var toldWaiters = WaiterList()

    /// After a group of more than so many records others are waiting already, and the next one gathers for a while: it
    /// costs about as much processor time and as many pages as a small one. Who comes alone never waits for that. When the
    /// processors are what everybody waits for, groups are larger by themselves, and a longer while serves all sooner.
    private static func gatheringMicroseconds(after count: UInt64) -> Int? {
        switch count {
        case ...16: nil
        case ...100: 500
        default: 2000
        }
    }

    private struct Shared: ~Copyable {
        var gathering = JournalBuffer()
        var groupByteCount = 0
        /// The last sequence of the group that is being stored, or that was stored.
        var groupLast: UInt64
        var next: UInt64
        /// The last sequence whose record was kept.
        var acceptedLast: UInt64
        /// What the one who appended it says about it: the mark of a group is that of its last record.
        var mark: UInt64 = 0
        var groupMark: UInt64 = 0
        var durableLast: UInt64
        var durableMark: UInt64
        var waitersOfGroup = WaiterList()
        var waiters = WaiterList()
        var state = State.running
        /// A turn is on its way or running.
        var hasTurn = false
        var isStopping = false
    }

    /// - Parameters:
    ///   - byteCountMax: from this many bytes on, waiting and being stored, `isThrottled` is true.
    ///   - retryAfterDelay: runs a block later, on any thread; after a second unless a test brings another.
    ///   - gatheringDelay: the same for the next group of a crowd, after half a millisecond or two.
    package init(
        _ storage: sending Storage, byteCountMax: Int = 32 << 20,
        retryAfterDelay: Delay? = nil, gatheringDelay: Delay? = nil, mark: UInt64 = 0,
        onDurable: @escaping @Sendable (_ mark: UInt64) -> Void = { _ in },
        onState: @escaping @Sendable (State) -> Void = { _ in }
    ) {
        let last = storage.lastSequence
        self.byteCountMax = byteCountMax
        self.onDurable = onDurable
        self.onState = onState
        self.gatheringDelay = gatheringDelay
        self.retryAfterDelay =
            retryAfterDelay ?? { retry in DispatchQueue.global().asyncAfter(deadline: .now() + 1, execute: retry) }
        shared = Mutex(
            Shared(
                groupLast: last, next: last + 1, acceptedLast: last, mark: mark, durableLast: last, durableMark: mark))
        durable = Atomic(last)
        self.storage = storage
    }

    // MARK: For producers, on any thread

    /// Everything up to this one survives.
    package var durableSequence: UInt64 { durable.load(ordering: .acquiring) }
    /// Producers look at it before they decide something, and refuse or wait instead.
    package var isThrottled: Bool { throttled.load(ordering: .relaxed) }
    package var state: State { shared.withLock { $0.state } }
    /// Whether the state is `running`, without a lock.
    package var isRunning: Bool { accepting.load(ordering: .relaxed) }
    /// The end of a group that is durable, and its mark.
    package var durablePoint: (sequence: UInt64, mark: UInt64) {
        shared.withLock { ($0.durableLast, $0.durableMark) }
    }

    /// Appends one record and returns its sequence. The order of calls is the order in the journal, so callers hold the
    /// lock under which they decided. `write` runs under the committer's lock and does nothing but append bytes.
    ///
    /// After a failure or a stop it still counts, but keeps nothing: whoever waits for that sequence is told.
    /// The writer does not begin before `begin()` is called, which costs a system call and so wants no lock.
    package func append(mark: UInt64 = 0, _ write: (inout JournalBuffer) -> Void) -> UInt64 {
        shared.withLock { shared in
            let sequence = shared.next
            shared.next += 1
            switch shared.state {
            case .failed, .stopped: return sequence
            case .running, .full: break
            }
            guard !shared.isStopping else { return sequence }
            shared.gathering.appendRecord(write)
            shared.acceptedLast = sequence
            shared.mark = mark
            if shared.gathering.byteCount + shared.groupByteCount >= byteCountMax {
                throttled.store(true, ordering: .relaxed)
            }
            return sequence
        }
    }

    /// Sees to it that what was appended is being stored. To be called without any lock.
    package func begin() {
        let begins = shared.withLock { shared in
            guard !shared.hasTurn, shared.gathering.byteCount > 0 else { return false }
            shared.hasTurn = true
            return true
        }
        if begins { queue.async { self.turn() } }
    }

    /// The sequence of the newest record, durable or not.
    package var lastSequence: UInt64 { shared.withLock { $0.next - 1 } }

    /// Tells the waiter when `sequence`, one that `append` has returned, is durable: inline if it is already.
    package func whenDurable(_ sequence: UInt64, _ waiter: any DurabilityWaiter) {
        if sequence <= durableSequence { return waiter.durable() }
        let outcome: Result<Void, StorageFault>? = shared.withLock { shared in
            if sequence <= durable.load(ordering: .relaxed) { return .success(()) }
            switch shared.state {
            case .failed(let fault): return .failure(fault)
            case .stopped: return .failure(.stopped)
            case .running, .full: break
            }
            if sequence <= shared.groupLast {
                shared.waitersOfGroup.add(waiter, sequence)
            } else if shared.isStopping, sequence > shared.acceptedLast {
                return .failure(.stopped)
            } else {
                shared.waiters.add(waiter, sequence)
            }
            return nil
        }
        switch outcome {
        case .success: waiter.durable()
        case .failure(let fault): waiter.failed(fault)
        case nil: break
        }
    }

    /// The same for a closure; it allocates.
    package func whenDurable(
        _ sequence: UInt64, _ action: @escaping @Sendable (Result<Void, StorageFault>) -> Void
    ) {
        whenDurable(sequence, ClosureWaiter(action: action))
    }

    /// Runs `body` on the writer's queue between two groups, for checkpoints. Its fault, if it is one that ends all
    /// writing, ends the committer too; `body` itself tells others what came of it.
    package func performBetweenGroups(_ body: @escaping @Sendable (Storage) throws(StorageFault) -> Void) {
        queue.async { [self] in
            // What it throws and is not kept by the storage concerns `body` alone.
            try? body(storage)
            if let fault = storage.fault { fail(fault) }
        }
    }

    /// Stores what has been appended until now, refuses what comes later, closes the storage and then says, on the
    /// queue, what kept it from that.
    package func stop(_ completion: @escaping @Sendable (StorageFault?) -> Void) {
        shared.withLock { $0.isStopping = true }
        queue.async { self.finish(completion) }
    }

    // MARK: The writer, on its queue

    /// Stores one group, tells its waiters and makes room for the next turn.
    private func turn() {
        guard let (first, last) = takeGroup() else { return }
        do throws(StorageFault) {
            try storage.appendGroup(first: first, last: last, records: group.span)
        } catch {
            guard case .diskFull = error else { return fail(error) }
            let isNews = shared.withLock { shared in
                defer { shared.state = .full }
                return shared.state == .running
            }
            accepting.store(false, ordering: .relaxed)
            if isNews { onState(.full) }
            // The group stays, and with it `hasTurn`, so that nobody else begins a turn.
            return retryAfterDelay { self.queue.async { self.turn() } }
        }
        group.removeAll()
        onDurable(shared.withLock { $0.groupMark })
        durable.store(last, ordering: .releasing)
        let (hasMore, wasFull) = shared.withLock { shared in
            let wasFull = shared.state == .full
            if wasFull { accepting.store(true, ordering: .relaxed) }
            shared.state = .running
            shared.groupByteCount = 0
            (shared.durableLast, shared.durableMark) = (last, shared.groupMark)
            throttled.store(shared.gathering.byteCount >= byteCountMax, ordering: .relaxed)
            swap(&shared.waitersOfGroup, &toldWaiters)
            shared.hasTurn = shared.gathering.byteCount > 0
            return (shared.hasTurn, wasFull)
        }
        if wasFull { onState(.running) }
        toldWaiters.tellAll { $0.durable() }
        do throws(StorageFault) {
            try storage.maintain()
        } catch {
            // A full disk is tried again after the next group; the group itself is durable either way.
            if let fault = storage.fault { return fail(fault) }
        }
        guard hasMore else { return }
        guard let microseconds = Self.gatheringMicroseconds(after: last - first + 1) else {
            return queue.async { self.turn() }
        }
        if let gatheringDelay {
            gatheringDelay { self.queue.async { self.turn() } }
        } else {
            queue.asyncAfter(deadline: .now() + .microseconds(microseconds)) { self.turn() }
        }
    }

    /// Takes all that has gathered, or once more what could not be stored.
    private func takeGroup() -> (first: UInt64, last: UInt64)? {
        shared.withLock { shared in
            switch shared.state {
            case .failed, .stopped: return nil
            case .running, .full: break
            }
            if group.byteCount == 0 {
                guard shared.gathering.byteCount > 0 else { return nil }
                swap(&shared.gathering, &group)
                // The list of the group is empty: its waiters were taken when the last group was stored.
                swap(&shared.waiters, &shared.waitersOfGroup)
                shared.groupLast = shared.acceptedLast
                shared.groupMark = shared.mark
                shared.groupByteCount = group.byteCount
            }
            return (storage.lastSequence + 1, shared.groupLast)
        }
    }

    private func fail(_ fault: StorageFault) { end(.failed(fault), fault) }

    /// Ends everything: from here on nothing becomes durable, and who waits is told so.
    private func end(_ state: State, _ fault: StorageFault) {
        let lists: (WaiterList, WaiterList)? = shared.withLock { shared in
            switch shared.state {
            case .failed, .stopped: return nil
            case .running, .full: break
            }
            shared.state = state
            accepting.store(false, ordering: .relaxed)
            shared.gathering.removeAll()
            shared.groupByteCount = 0
            throttled.store(false, ordering: .relaxed)
            defer { (shared.waitersOfGroup, shared.waiters) = (WaiterList(), WaiterList()) }
            return (shared.waitersOfGroup, shared.waiters)
        }
        group.removeAll()
        guard var lists else { return }
        onState(state)
        lists.0.tellAll { $0.failed(fault) }
        lists.1.tellAll { $0.failed(fault) }
    }

    private func finish(_ completion: (StorageFault?) -> Void) {
        // Nothing more is accepted. The first turn may store a group that had to wait, the second one what is behind it.
        turn()
        if state == .running { turn() }
        var fault: StorageFault?
        switch state {
        case .full: fault = .diskFull(operation: "store the last group")
        case .failed(let first): fault = first
        case .running, .stopped: break
        }
        end(.stopped, fault ?? .stopped)
        do throws(StorageFault) { try storage.close() } catch { fault = fault ?? error }
        completion(fault)
    }
}
