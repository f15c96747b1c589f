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

    init() {
        for (number, name) in [(SIGTERM, "SIGTERM"), (SIGINT, "SIGINT")] {
            // The default action would end the process before the source sees the signal.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            // The source keeps this object, so that a second signal finds it however far the first one has come.
            source.setEventHandler { self.signaled(name) }
            sources.append(source)
        }
        for source in sources { source.activate() }
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
