import Dispatch
import Synchronization

/// The line that shows, while a load runs, how it goes: time passed and the rate of the last moment.
final class RateMeter: Sendable {
    private struct Moment {
        var nanoseconds: UInt64
        var callCount: Int
    }

    private let line: ProgressLine
    private let last: Mutex<(first: Moment, last: Moment)?> = Mutex(nil)
    private let seconds: Int

    init(seconds: Int) {
        self.seconds = seconds
        line = ProgressLine("bench", total: seconds)
    }

    func update(_ callCount: Int) {
        let now = Moment(nanoseconds: DispatchTime.now().uptimeNanoseconds, callCount: callCount)
        let (passed, rate) = last.withLock { moments in
            guard let (first, last) = moments else {
                moments = (now, now)
                return (0, 0)
            }
            moments = (first, now)
            let interval = Double(max(1, now.nanoseconds - last.nanoseconds)) / 1e9
            let rate = Double(now.callCount - last.callCount) / interval
            return (Int((now.nanoseconds - first.nanoseconds) / 1_000_000_000), Int(rate))
        }
        line.update(passed, note: "\(rate) calls/s")
    }

    /// Takes the line away.
    func finish() { line.finish() }
}
