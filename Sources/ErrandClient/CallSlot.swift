internal import Synchronization

/// Brings together a task's cancellation and the call that it may or may not have begun.
final class CallSlot: Sendable {
    private struct State {
        var call: OutstandingCall?
        var isCancelled = false
    }

    private let state = Mutex(State())

    func set(_ call: OutstandingCall) {
        state.withLock { state in
            state.call = call
            // Nobody else knows the call yet; the channel refuses it.
            if state.isCancelled { call.isCancelled = true }
        }
    }

    func cancel(on channel: Channel) {
        let call = state.withLock { state in
            state.isCancelled = true
            return state.call
        }
        if let call { channel.cancel(call) }
    }
}
