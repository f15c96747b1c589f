import ErrandCore

/// How many more things of a job may be queued now: in any minute not more than the rate (SPEC §14, D43).
///
/// The rate of an exponential rollout is fixed for each minute, counted from the first queued thing, so that things
/// queued early in a minute cannot raise the rate of that same minute again and again.
struct RolloutWindow {
    /// What was queued in the last minute, by time.
    var runs: [(time: Int64, count: UInt32)] = []
    var countInWindow: UInt32 = 0
    var rate: UInt32 = 0
    var firstAt: Int64?
    var rateEndsAt = Int64.min

    /// To be called when the configuration has changed.
    mutating func forgetRate() { rateEndsAt = Int64.min }

    mutating func permitted(
        by config: RolloutConfig, notifiedCount: UInt32, succeededCount: UInt32, minute: Int64, at now: Int64
    ) -> Int {
        let expiredCount = runs.prefix { Self.end(of: $0.time, minute) <= now }.count
        for run in runs.prefix(expiredCount) { countInWindow -= run.count }
        runs.removeFirst(expiredCount)
        if now >= rateEndsAt {
            rate = config.rate(notifiedCount: notifiedCount, succeededCount: succeededCount)
            let first = firstAt ?? now
            let (elapsed, overflows) = now.subtractingReportingOverflow(first)
            let start = overflows || elapsed < 0 ? now : now - elapsed % minute
            rateEndsAt = Self.end(of: start, minute)
        }
        return rate > countInWindow ? Int(rate - countInWindow) : 0
    }

    mutating func queued(_ count: Int, at now: Int64) {
        guard count > 0 else { return }
        if firstAt == nil { firstAt = now }
        let time = max(now, runs.last?.time ?? now)
        countInWindow += UInt32(clamping: count)
        if let last = runs.last, last.time == time {
            runs[runs.count - 1].count += UInt32(clamping: count)
        } else {
            runs.append((time, UInt32(clamping: count)))
        }
    }

    /// When more may be permitted than now, if now nothing is.
    func nextChange(minute: Int64, isExponential: Bool) -> Int64 {
        let oldestLeaves = runs.first.map { Self.end(of: $0.time, minute) } ?? Int64.max
        return isExponential || runs.isEmpty ? min(oldestLeaves, rateEndsAt) : oldestLeaves
    }

    private static func end(of start: Int64, _ minute: Int64) -> Int64 {
        let (end, overflows) = start.addingReportingOverflow(minute)
        return overflows ? Int64.max : end
    }
}
