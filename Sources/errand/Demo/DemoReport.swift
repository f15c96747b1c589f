import ErrandClient

/// What a demo has to show for itself.
struct DemoReport {
    var thingCount: Int
    var executionCount: Int
    var counts: [JobExecutionStatus: Int]
    var callCount: Int
    var expectedRefusalCount: Int
    var connectionCount: Int
    /// Of the fleet's work, as are the calls and the bytes.
    var duration: Duration
    var wireByteCount: UInt64
    var rawByteCount: UInt64

    private var milliseconds: Int64 {
        let (seconds, attoseconds) = duration.components
        return max(1, seconds * 1000 + attoseconds / 1_000_000_000_000_000)
    }

    private var callsPerSecond: Int { callCount * 1000 / Int(milliseconds) }

    private func count(_ status: JobExecutionStatus) -> Int { counts[status] ?? 0 }

    var json: String {
        JSONWriter.text { json in
            json.object { json in
                json.member("things", thingCount)
                json.member("executions", executionCount)
                json.member("succeeded", count(.succeeded))
                json.member("failed", count(.failed))
                json.member("rejected", count(.rejected))
                json.member("canceled", count(.canceled))
                json.member("timedOut", count(.timedOut))
                json.member("queued", count(.queued))
                json.member("inProgress", count(.inProgress))
                json.member("calls", callCount)
                json.member("callsPerSecond", callsPerSecond)
                json.member("wireBytes", wireByteCount)
                json.member("rawBytes", rawByteCount)
                json.member("seconds", secondsFromMilliseconds: milliseconds)
            }
        }
    }

    var table: [String] {
        var outcomes = TextTable([("OUTCOME", .left), ("EXECUTIONS", .right)])
        var lines: [String] = []
        for status in JobExecutionStatus.allCases where count(status) > 0 {
            lines += outcomes.add([status.description, String(count(status))])
        }
        lines += outcomes.add(["all", String(executionCount)]) + outcomes.finish()
        let percent = rawByteCount > 0 ? wireByteCount * 100 / rawByteCount : 100
        lines.append("")
        lines += TextTable.pairs([
            ("things", String(thingCount)),
            ("connections", String(connectionCount)),
            ("calls", "\(callCount) in \(Seconds.exact(milliseconds)) s, \(callsPerSecond) a second"),
            ("refusals", "\(expectedRefusalCount), each of them expected"),
            ("bytes", "\(wireByteCount) on the wire, \(rawByteCount) raw: \(percent)%"),
            ("read back", "all \(executionCount) executions agree with what devices and operator saw"),
        ])
        return lines
    }
}
