internal import Dispatch

/// A timer of one loop: fires once for each `schedule`, the last one counts.
///
/// `@unchecked Sendable`: its one property never changes, and Dispatch sources may be scheduled from any thread.
package final class LoopTimer: @unchecked Sendable {
    private let source: any DispatchSourceTimer

    init(queue: DispatchQueue, _ fire: @escaping @Sendable () -> Void) {
        source = DispatchSource.makeTimerSource(queue: queue)
        source.setEventHandler(handler: fire)
        source.activate()
    }

    deinit {
        source.cancel()
    }

    package func schedule(afterMilliseconds delay: Int64) {
        source.schedule(deadline: .now() + .milliseconds(Int(clamping: max(0, delay))), leeway: .milliseconds(1))
    }
}
