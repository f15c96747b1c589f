import ErrandCore

/// What a store must do, written as plainly as possible and without any of the code under test: arrays that are
/// searched from end to end, rules spelled out anew from SPEC §14.
struct ModelStore {
    struct Execution {
        var job: String
        var thing: String
        var status = JobExecutionStatus.queued
        var version: Int64 = 1
        var forceCanceled = false
        var queuedAt: Int64
        var startedAt: Int64?
        var lastUpdatedAt: Int64
        var details: [String: String] = [:]
        var inProgressDeadline: Int64?
        var stepDeadline: Int64?

        var isOpen: Bool { status == .queued || status == .inProgress }
    }

    struct Job {
        var document: String
        var timeout: Int64?
        var targets: [String]
        var createdAt: Int64
        var completedAt: Int64?
        var isCanceled = false
        var isForced = false
    }

    let minute: Int64
    /// In the order queued.
    var executions: [Execution] = []
    var jobs: [String: Job] = [:]

    init(minute: Int64) { self.minute = minute }

    func index(_ job: String, _ thing: String) -> Int? {
        executions.firstIndex { $0.job == job && $0.thing == thing }
    }

    /// The pending list in queue order.
    func pending(_ thing: String) -> [Int] {
        let open = executions.indices.filter { executions[$0].thing == thing && executions[$0].isOpen }
        return open.sorted { left, right in
            let (l, r) = (executions[left], executions[right])
            if l.status != r.status { return l.status == .inProgress }
            return l.queuedAt == r.queuedAt ? left < right : l.queuedAt < r.queuedAt
        }
    }

    mutating func create(_ id: String, _ targets: [String], timeout: Int64?, document: String, at now: Int64)
        -> StatusCode
    {
        if let job = jobs[id] {
            let isSame = job.targets == targets && job.timeout == timeout && job.document == document
            return isSame ? .ok : .alreadyExists
        }
        jobs[id] = Job(document: document, timeout: timeout, targets: targets, createdAt: now)
        for thing in targets where index(id, thing) == nil {
            executions.append(Execution(job: id, thing: thing, queuedAt: now, lastUpdatedAt: now))
        }
        return .ok
    }

    /// Ends the execution if its time has come.
    mutating func look(at index: Int, now: Int64) {
        let execution = executions[index]
        guard execution.status == .inProgress else { return }
        let deadlines = [execution.inProgressDeadline, execution.stepDeadline].compactMap { $0 }
        guard let deadline = deadlines.min(), deadline <= now else { return }
        end(index, .timedOut, at: now)
    }

    mutating func update(
        _ index: Int, to status: JobExecutionStatus, details: [String: String]?, merge: Bool, expected: Int64?,
        step: Int64?, at now: Int64
    ) -> StatusCode {
        look(at: index, now: now)
        if let expected, expected != executions[index].version { return .versionMismatch }
        guard executions[index].isOpen else { return .invalidStateTransition }
        var next = executions[index].details
        if let details { next = merge ? next.merging(details) { $1 } : details }
        guard next.count <= 10 else { return .invalidRequest }
        executions[index].details = next
        if executions[index].startedAt == nil { executions[index].startedAt = now }
        guard status == .inProgress else {
            end(index, status, at: now)
            return .ok
        }
        run(index, step: step, at: now)
        return .ok
    }

    mutating func cancel(
        _ index: Int, force: Bool, details: [String: String]?, expected: Int64?, at now: Int64
    ) -> StatusCode {
        look(at: index, now: now)
        if let expected, expected != executions[index].version { return .versionMismatch }
        guard executions[index].isOpen, force || executions[index].status == .queued else {
            return .invalidStateTransition
        }
        if let details { executions[index].details = details }
        executions[index].forceCanceled = force
        end(index, .canceled, at: now)
        return .ok
    }

    mutating func cancelJob(_ id: String, force: Bool, at now: Int64) -> StatusCode {
        guard let job = jobs[id] else { return .notFound }
        guard job.completedAt == nil else { return .invalidStateTransition }
        let isRunning = executions.contains { $0.job == id && $0.status == .inProgress }
        guard !job.isCanceled || (force && !job.isForced && isRunning) else { return .ok }
        jobs[id]?.isCanceled = true
        if force { jobs[id]?.isForced = true }
        for index in executions.indices where executions[index].job == id {
            look(at: index, now: now)
            let status = executions[index].status
            guard status == .queued || (force && status == .inProgress) else { continue }
            executions[index].forceCanceled = force
            end(index, .canceled, at: now)
        }
        return .ok
    }

    mutating func startNext(_ thing: String, details: [String: String]?, step: Int64?, at now: Int64) -> Int? {
        for index in pending(thing) { look(at: index, now: now) }
        guard let head = pending(thing).first else { return nil }
        if executions[head].status == .queued {
            executions[head].startedAt = now
            if let details { executions[head].details = details }
            run(head, step: step, at: now)
        }
        return head
    }

    mutating func advance(to now: Int64) -> Int {
        let before = executions.count { $0.status == .timedOut }
        for index in executions.indices { look(at: index, now: now) }
        return executions.count { $0.status == .timedOut } - before
    }

    private mutating func run(_ index: Int, step: Int64?, at now: Int64) {
        if executions[index].status == .queued, let timeout = jobs[executions[index].job]?.timeout {
            executions[index].inProgressDeadline = now + timeout * minute
        }
        if let step { executions[index].stepDeadline = step == -1 ? nil : now + step * minute }
        executions[index].status = .inProgress
        executions[index].version += 1
        executions[index].lastUpdatedAt = now
    }

    private mutating func end(_ index: Int, _ status: JobExecutionStatus, at now: Int64) {
        executions[index].status = status
        executions[index].version += 1
        executions[index].lastUpdatedAt = now
        executions[index].inProgressDeadline = nil
        executions[index].stepDeadline = nil
        let id = executions[index].job
        guard jobs[id]?.isCanceled == false else { return }
        if !executions.contains(where: { $0.job == id && $0.isOpen }) { jobs[id]?.completedAt = now }
    }
}
