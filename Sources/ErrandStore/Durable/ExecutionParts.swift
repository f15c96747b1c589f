import Synchronization

internal import Glibc

/// In how many parts the executions are read at the same time.
struct ExecutionParts: Sendable {
    /// More would wait for each other's locks.
    var countMax = min(4, max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    /// With fewer a part is not worth a connection and a thread.
    var rowCountMin = 16_384

    /// Where the parts begin, each with about as many executions as the others, as the jobs know them.
    func splits(of jobs: some Collection<StoredJob>) -> [ExecutionScan.Key] {
        let ordered = jobs.sorted { $0.number < $1.number }
        let counts = ordered.map { job in job.state.withLock { $0.executions.count } }
        let total = counts.reduce(0, +)
        let partCount = min(countMax, total / max(1, rowCountMin))
        guard partCount > 1 else { return [] }
        var splits: [ExecutionScan.Key] = []
        var (passed, next) = (0, total / partCount)
        for (job, count) in zip(ordered, counts) {
            while splits.count < partCount - 1, next < passed + count {
                splits.append(ExecutionScan.Key(job: Int64(job.number), position: Int64(next - passed)))
                next += total / partCount
            }
            passed += count
        }
        return splits
    }
}
