import ErrandCore

/// Executions and jobs as the events tell of them, and what about the events cannot be.
struct FeedReplay {
    struct Name: Hashable {
        var job: String
        var thing: String
        var number: Int64
    }

    private(set) var executions: [Name: JobExecutionEventState] = [:]
    private(set) var jobs: [String: JobStatus] = [:]
    private(set) var revision: UInt64?
    /// The first thing that was wrong.
    private(set) var fault: String?

    mutating func apply(_ event: JobExecutionEvent) {
        let reason = reasonAgainst(event)
        if let reason, fault == nil { fault = "\(event.revision) \(event.line): \(reason)" }
    }

    private mutating func reasonAgainst(_ event: JobExecutionEvent) -> String? {
        let isNext = revision == nil || revision == event.revision - 1
        revision = event.revision
        guard isNext else { return "a gap" }
        let job = event.jobId.description
        switch event.subject {
        case .execution(let state): return change(job, state)
        case .executionDeleted(let thingName, let number, let version, _, let from):
            let old = executions.removeValue(forKey: Name(job: job, thing: thingName.description, number: number))
            return old?.to == from && old?.versionNumber == version && jobs[job] != nil ? nil : "it is \(old as Any)"
        case .job(let from, let to):
            let old = jobs.updateValue(to, forKey: job)
            guard old == from else { return "the job is \(old as Any)" }
            guard to != .completed || !hasOpen(job) else { return "an execution is open" }
        case .jobDeleted(let from):
            let old = jobs.removeValue(forKey: job)
            guard old == from, from == .deletionInProgress else { return "the job is \(old as Any)" }
            guard !executions.keys.contains(where: { $0.job == job }) else { return "it has executions" }
        }
        return nil
    }

    private mutating func change(_ job: String, _ state: JobExecutionEventState) -> String? {
        let name = Name(job: job, thing: state.thingName.description, number: state.executionNumber)
        let old = executions.updateValue(state, forKey: name)
        guard let status = jobs[job] else { return "there is no such job" }
        guard state.from == old?.to else { return "it is \(old as Any)" }
        guard state.versionNumber == (old?.versionNumber ?? 0) + 1 else { return "after \(old as Any)" }
        guard old != nil || (state.to == .queued && status == .inProgress) else { return "its job is \(status)" }
        guard let retried = executions[Name(job: job, thing: name.thing, number: name.number - 1)] else { return nil }
        return retried.to.isTerminal ? nil : "two attempts are open"
    }

    private func hasOpen(_ job: String) -> Bool {
        executions.contains { $0.key.job == job && !$0.value.to.isTerminal }
    }
}
