import Dispatch
import Glibc

/// SIGTERM and SIGINT: the first asks to stop, the second ends the process at once.
///
/// `@unchecked Sendable`: all state is touched only on `queue`.
final class StopSignals: @unchecked Sendable {
    private let queue = DispatchQueue(label: "errand.signals")
    private var sources: [any DispatchSourceSignal] = []
    private var received: String?
    private var waiter: CheckedContinuation<String, Never>?

    /// When this returns no signal is lost any more. Until then it has its default action, which is to end the process:
    /// were it ignored meanwhile, one that comes early would have no effect at all.
    init() {
        let registered = DispatchGroup()
        for (number, name) in [(SIGTERM, "SIGTERM"), (SIGINT, "SIGINT")] {
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            // The source keeps this object, so that a second signal finds it however far the first one has come.
            source.setEventHandler { self.signaled(name) }
            registered.enter()
            // On Linux this also puts a handler in place of the default action.
            source.setRegistrationHandler { registered.leave() }
            sources.append(source)
        }
        for source in sources { source.activate() }
        registered.wait()
    }

    private func signaled(_ name: String) {
        guard received == nil else { _exit(ExitStatus.refused.rawValue) }
        received = name
        waiter?.resume(returning: name)
        waiter = nil
    }

    /// Waits for the first signal; returns its name. To be called once.
    func first() async -> String {
        await withCheckedContinuation { continuation in
            queue.async { [self] in
                if let received { continuation.resume(returning: received) } else { waiter = continuation }
            }
        }
    }
}
