internal import Dispatch
internal import ErrandStore

/// Calls the store when time brings something: one timer, set to the earliest due moment.
///
/// `@unchecked Sendable`: all mutable state is touched only on `queue`.
final class StoreClockwork: @unchecked Sendable {
    private let store: any ExecutionStore
    private let clock: ServerClock
    private let queue = DispatchQueue(label: "errand.clockwork")
    private let timer: any DispatchSourceTimer
    /// For what can wait.
    private let minute: any DispatchSourceTimer
    private var armedFor: Int64?

    /// How much is done before the queue is given back.
    private static let changesPerTurn = 2048
    /// Due moments are met this precisely: far inside SPEC §14's one second.
    private static let leewayMilliseconds = 20

    init(store: any ExecutionStore, clock: ServerClock) {
        self.store = store
        self.clock = clock
        timer = DispatchSource.makeTimerSource(queue: queue)
        minute = DispatchSource.makeTimerSource(queue: queue)
        timer.setEventHandler { [weak self] in
            guard let self else { return }
            armedFor = nil
            turn()
        }
        minute.schedule(deadline: .now() + 60, repeating: 60, leeway: .seconds(5))
        minute.setEventHandler { [store, clock] in store.tend(at: clock.nowMilliseconds()) }
        // Dispatch traps when a source goes away that was never activated, as it would when the server cannot listen.
        timer.activate()
        minute.activate()
    }

    deinit {
        timer.cancel()
        minute.cancel()
    }

    func start() {
        store.onEarlierDue { [weak self] due in
            guard let self else { return }
            queue.async { self.arm(due) }
        }
        queue.async { [weak self] in self?.turn() }
    }

    func stop() {
        queue.sync {
            timer.cancel()
            minute.cancel()
        }
    }

    private func turn() {
        let result = store.advance(to: clock.nowMilliseconds(), limit: Self.changesPerTurn)
        if let due = result.nextDueMilliseconds { arm(due) }
    }

    private func arm(_ due: Int64) {
        if let armedFor, armedFor <= due { return }
        armedFor = due
        let delay = max(0, due - clock.nowMilliseconds())
        timer.schedule(
            deadline: .now() + .milliseconds(Int(clamping: min(delay, 86_400_000))),
            leeway: .milliseconds(Self.leewayMilliseconds))
    }
}
