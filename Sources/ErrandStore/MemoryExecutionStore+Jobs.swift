import ErrandCore
import Synchronization

extension MemoryExecutionStore {
    /// SPEC §9.3.
    func createJob(_ request: CreateJobRequest, _ turn: inout Turn) -> StoreOutcome {
        let now = turn.now
        let (outcome, completed, dropTime) = jobs.withLock {
            table -> (StoreOutcome, completed: StoredJob?, dropTime: Int64?) in
            table.dropIfAbandoned(request.jobId, at: now)
            if let job = table[request.jobId] {
                guard job.matches(request), !job.sweepFlags.contains(.deleted) else {
                    return (.refused(Self.otherContent(request.jobId)), nil, nil)
                }
                return (.targetsReceived(job.state.withLock { $0.receipt }), nil, nil)
            }
            if let refusal = table.refusal(of: request, at: now) { return (.refused(refusal), nil, nil) }
            let job = StoredJob(request, number: table.takeJobNumber(), at: now, changes: changes)
            table.insert(job)
            let number = table.nextCreationNumber
            let receipt = job.state.withLock { state in
                job.receive(request.targets[...], isFirst: true, creationNumber: number, &state, at: now)
                return state.receipt
            }
            if receipt.isComplete {
                table.complete(job)
                return (.targetsReceived(receipt), job, nil)
            }
            return (.targetsReceived(receipt), nil, table.stage(job, at: now))
        }
        if let dropTime { turn.willBeDue(at: dropTime) }
        if let completed { beginRollout(of: completed, &turn) }
        return outcome
    }

    /// SPEC §9.4.
    func addJobTargets(_ request: AddJobTargetsRequest, _ turn: inout Turn) -> StoreOutcome {
        let now = turn.now
        let (outcome, completed) = jobs.withLock { table -> (StoreOutcome, completed: StoredJob?) in
            table.dropIfAbandoned(request.jobId, at: now)
            guard let job = table[request.jobId] else {
                return (.refused(Self.noJob(request.jobId)), nil)
            }
            let wasStaged = job.state.withLock { $0.isStaged }
            switch Self.receive(request, job, creationNumber: table.nextCreationNumber, at: now) {
            case .failure(let refusal): return (.refused(refusal), nil)
            case .success(let receipt):
                guard wasStaged, receipt.isComplete else { return (.targetsReceived(receipt), nil) }
                table.complete(job)
                return (.targetsReceived(receipt), job)
            }
        }
        if let completed { beginRollout(of: completed, &turn) }
        return outcome
    }

    /// SPEC §9.5.
    func describeJob(_ request: DescribeJobRequest, _ turn: inout Turn) -> StoreOutcome {
        guard let job = completeJob(request.jobId, &turn) else { return .refused(Self.noJob(request.jobId)) }
        return job.state.withLock { state in
            turn.depends(on: state.lastSequence)
            return job.outcome(state)
        }
    }

    /// The complete job of that id, for a read: who finds none shows that one may have been removed.
    func completeJob(_ id: JobId, _ turn: inout Turn) -> StoredJob? {
        jobs.withLock { table in
            if let job = table.completeJob(id) { return job }
            turn.depends(on: table.lastRemovalSequence)
            return nil
        }
    }

    static func noJob(_ id: JobId) -> Refusal {
        Refusal(.notFound, "there is no job \(id)")
    }

    private static func otherContent(_ id: JobId) -> Refusal {
        Refusal(.alreadyExists, "job \(id) exists with other content; only the same content may be sent again")
    }

    private static func receive(
        _ request: AddJobTargetsRequest, _ job: StoredJob, creationNumber: UInt64, at now: Int64
    ) -> Result<JobTargetsReceipt, Refusal> {
        let offset = Int(request.targetOffset)
        let end = offset + request.targets.count
        guard end <= job.announcedTargetCount else {
            return .failure(
                Refusal(
                    InvalidField("targets", "end at \(end), but targetCount of the job is \(job.announcedTargetCount)"))
            )
        }
        return job.state.withLock { state in
            let received = state.targets.count
            guard offset <= received else {
                return .failure(
                    Refusal(
                        .failedPrecondition,
                        "targetOffset \(offset) leaves a gap: \(received) targets were received so far"))
            }
            let knownCount = min(request.targets.count, received - offset)
            guard state.targets.holds(request.targets.prefix(knownCount), at: offset) else {
                return .failure(
                    Refusal(
                        .alreadyExists,
                        "job \(job.id) was given other targets between \(offset) and \(offset + knownCount)"))
            }
            job.receive(
                request.targets.dropFirst(knownCount), creationNumber: creationNumber, &state, at: now)
            return .success(state.receipt)
        }
    }
}
