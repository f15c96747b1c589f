/// Keeps the CPUs from halting while it lives. Restarted by nobody: it may run for an hour at most.
struct KeepAwake {
    private let process: ChildProcess
    /// How, as it says itself.
    let means: String

    init(siblings: Siblings) throws {
        process = try ChildProcess(siblings.path(of: .keepAwake), ["--seconds", "3600"])
        let line = try process.line(withinSeconds: 10)
        let prefix = "keep-awake: "
        guard line.hasPrefix(prefix) else { throw BenchmarkFailure("keep-awake said “\(line)”") }
        means = String(line.dropFirst(prefix.count))
    }

    /// Fails if it ended early, since then the later rounds were measured under another condition.
    func stop() throws {
        guard process.isRunning else { throw BenchmarkFailure("keep-awake ended before the benchmark did") }
        process.closeInput()
        try process.waitForSuccess(withinSeconds: 10)
    }
}
