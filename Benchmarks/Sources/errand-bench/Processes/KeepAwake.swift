/// Keeps the CPUs from halting while it lives. Restarted by nobody: it may run for an hour at most.
struct KeepAwake {
    private let process: ChildProcess

    init(siblings: Siblings) throws {
        process = try ChildProcess(siblings.path(of: .keepAwake), ["--seconds", "3600"])
        _ = try process.line(withinSeconds: 10)
    }

    /// Fails if it ended early, since then the later rounds were measured under another condition.
    func stop() throws {
        guard process.isRunning else { throw BenchmarkFailure("keep-awake ended before the benchmark did") }
        process.closeInput()
        try process.waitForSuccess(withinSeconds: 10)
    }
}
