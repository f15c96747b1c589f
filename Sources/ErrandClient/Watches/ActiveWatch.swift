internal import ErrandCore
internal import ErrandWire
internal import Synchronization

/// What a watch brings, as the connection hands it on.
enum WatchItem: Sendable {
    case event(JobExecutionEvent)
    /// The watch is complete up to this revision.
    case bookmark(UInt64)
    case pending(PendingJobExecutions)
    case next(JobExecution?)
    /// The last item.
    case ended(ErrandError)
    /// The task that asked was cancelled; another one may go on.
    case interrupted
}

/// One watch of one connection: what came and was not taken yet, which its credit bounds.
final class ActiveWatch: Sendable {
    typealias Waiter = UnsafeContinuation<WatchItem, Never>

    private struct State {
        var items: [WatchItem] = []
        var start = 0
        var waiter: Waiter?
        var isCancelled = false
        /// Taken since credit was given last.
        var takenCount: UInt32 = 0
    }

    private let state = Mutex(State())
    /// How many events may come before the first is taken.
    static let creditWindow: UInt32 = 1024

    /// Something came; on the connection's loop. False if it is more than the server was given credit for.
    func put(_ items: some Sequence<WatchItem>) -> Bool {
        let (isAllowed, waiter, item) = state.withLock { state -> (Bool, Waiter?, WatchItem?) in
            for item in items {
                // Of bookmarks one after the other the last says it all, so a flood of them takes no memory.
                if case .bookmark = item, state.start < state.items.count, case .bookmark? = state.items.last {
                    state.items.removeLast()
                }
                state.items.append(item)
            }
            // Between events there is at most a bookmark.
            let isAllowed = state.items.count - state.start <= 2 * Int(Self.creditWindow) + 2
            guard let waiter = state.waiter, let item = Self.take(&state) else { return (isAllowed, nil, nil) }
            state.waiter = nil
            return (isAllowed, waiter, item)
        }
        if let waiter, let item { waiter.resume(returning: item) }
        return isAllowed
    }

    /// The next item, as soon as there is one. One task at a time may ask.
    func next() async -> WatchItem {
        await withTaskCancellationHandler {
            await withUnsafeContinuation { (waiter: Waiter) in
                let item = state.withLock { state -> WatchItem? in
                    if let item = Self.take(&state) { return item }
                    if state.isCancelled || state.waiter != nil { return .interrupted }
                    state.waiter = waiter
                    return nil
                }
                if let item { waiter.resume(returning: item) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in
                state.isCancelled = state.waiter == nil
                defer { state.waiter = nil }
                return state.waiter
            }
            waiter?.resume(returning: .interrupted)
        }
    }

    /// How much credit to give now for what was taken; 0 while it is not worth a message.
    func takeCredit() -> UInt32 {
        state.withLock { state in
            guard state.takenCount >= Self.creditWindow / 4 else { return 0 }
            defer { state.takenCount = 0 }
            return state.takenCount
        }
    }

    /// A new task asks.
    func forgetCancellation() { state.withLock { $0.isCancelled = false } }

    private static func take(_ state: inout State) -> WatchItem? {
        guard state.start < state.items.count else { return nil }
        let item = state.items[state.start]
        state.start += 1
        if state.start == state.items.count {
            state.items.removeAll(keepingCapacity: true)
            state.start = 0
        } else if state.start >= 64, state.start * 2 >= state.items.count {
            // Also when some always wait: what was taken goes.
            state.items.removeFirst(state.start)
            state.start = 0
        }
        switch item {
        case .event, .pending, .next: state.takenCount += 1
        case .bookmark, .ended, .interrupted: break
        }
        return item
    }
}
