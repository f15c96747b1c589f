import FloorSupport
import Foundation
import Glibc

/// What the machine did beside the measurement. On a shared machine this explains most of the odd figures.
struct Disturbance: Sendable {
    /// CPUs' worth of work by others, as a share of all CPUs; keep-awake is counted as nice time, so not here.
    let othersShare: Double
    /// Time the hypervisor gave to other guests.
    let stealShare: Double
    /// How far apart the CPUs are, in nanoseconds for a cache line's way there and back, right before and after.
    let handoffBefore: Double
    let handoffAfter: Double

    /// Beyond these a sample says more about the machine than about us.
    static let shareMax = 0.1
    static let handoffChangeMax = 1.4

    var handoff: Double { (handoffBefore + handoffAfter) / 2 }

    var isTooMuch: Bool {
        othersShare > Self.shareMax || stealShare > Self.shareMax || Self.haveMoved(handoffBefore, handoffAfter)
    }

    /// Whether the host moved the CPUs between the two sides of one round.
    func haveCPUsMoved(since other: Disturbance) -> Bool { Self.haveMoved(handoff, other.handoff) }

    private static func haveMoved(_ one: Double, _ other: Double) -> Bool {
        max(one, other) > handoffChangeMax * min(one, other)
    }

    var remark: String {
        let handoffs = "hand-off \(Report.figure(handoffBefore)) → \(Report.figure(handoffAfter)) ns"
        guard isTooMuch else { return "  (\(handoffs))" }
        let shares = "others took \(Report.percent(othersShare)) of the CPUs, steal \(Report.percent(stealShare))"
        return "  (disturbed: \(shares), \(handoffs))"
    }

    /// Everything that `body` starts must be reaped when it returns, or its work counts as the others'.
    static func during<Result>(_ body: () throws -> Result) throws -> (Result, Disturbance) {
        let handoffBefore = floor_handoff_nanoseconds()
        let before = try Counters()
        let result = try body()
        let after = try Counters()
        let handoffAfter = floor_handoff_nanoseconds()

        let all = max(after.all - before.all, 1)
        let busy = after.busy - before.busy - (after.own - before.own)
        return (
            result,
            Disturbance(
                othersShare: max(0, busy / all), stealShare: max(0, (after.steal - before.steal) / all),
                handoffBefore: handoffBefore, handoffAfter: handoffAfter)
        )
    }

    /// All in ticks of /proc/stat.
    private struct Counters {
        let all: Double
        let busy: Double
        let steal: Double
        let own: Double

        init() throws {
            let text = try String(contentsOfFile: "/proc/stat", encoding: .utf8)
            // cpu user nice system idle iowait irq softirq steal ...
            let columns = text.prefix { $0 != "\n" }.split(separator: " ").dropFirst().compactMap { Double($0) }
            guard columns.count >= 8 else { throw BenchmarkFailure("/proc/stat has another form than expected") }
            all = columns[..<8].reduce(0, +)
            busy = columns[0] + columns[2] + columns[5] + columns[6]
            steal = columns[7]
            let ticksPerSecond = Double(sysconf(Int32(_SC_CLK_TCK)))
            own = (Self.seconds(of: RUSAGE_SELF) + Self.seconds(of: RUSAGE_CHILDREN)) * ticksPerSecond
        }

        private static func seconds(of who: __rusage_who) -> Double {
            var usage = rusage()
            getrusage(__rusage_who_t(who.rawValue), &usage)
            return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
                + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
        }
    }
}
