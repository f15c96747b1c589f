internal import Synchronization

/// What a loop is asked to run.
enum LoopWork {
    case closure(@Sendable () -> Void)
    case job(UnownedJob)

    func run(on loop: EventLoop) {
        switch self {
        case .closure(let closure): closure()
        case .job(let job): job.runSynchronously(on: loop.asUnownedTaskExecutor())
        }
    }
}

/// Work that other threads leave for a loop. One signal is enough for all that has gathered.
final class LoopMailbox: Sendable {
    private struct State {
        var work: [LoopWork] = []
        var isSignaled = false
        var isClosed = false
    }

    enum Receipt {
        case taken
        /// The loop may sleep: wake it.
        case needsSignal
        /// The loop has ended and looks here no more.
        case refused
    }

    private let state = Mutex(State())

    func put(_ work: LoopWork) -> Receipt {
        state.withLock { state in
            if state.isClosed { return .refused }
            state.work.append(work)
            defer { state.isSignaled = true }
            return state.isSignaled ? .taken : .needsSignal
        }
    }

    /// Moves all that has gathered behind `work`.
    func empty(into work: inout [LoopWork]) {
        work += state.withLock { state in
            defer {
                state.work.removeAll(keepingCapacity: true)
                state.isSignaled = false
            }
            return state.work
        }
    }

    /// Refuses all later work; returns what was left.
    func close() -> [LoopWork] {
        state.withLock { state in
            state.isClosed = true
            defer { state.work = [] }
            return state.work
        }
    }
}
