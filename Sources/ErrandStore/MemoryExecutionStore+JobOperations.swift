import ErrandCore
import Synchronization

extension MemoryExecutionStore {
    /// How many executions CancelJob or DeleteJob work off within the call; the rest is left to `advance`.
    static let inlineSweepCount = 4096

    func cancelJob(_ request: CancelJobRequest, _ turn: inout Turn) -> StoreOutcome {
        guard let job = jobs.withLock({ $0.completeJob(request.jobId) }) else {
            return .refused(Self.noJob(request.jobId))
        }
        let operated = job.cancel(request, at: turn.now)
        if operated.needsSweep { beginSweep(of: job, &turn) }
        return operated.outcome
    }

    /// The table's lock is held while it is decided, so that of two deletions with the same key one is the first.
    func deleteJob(_ request: DeleteJobRequest, _ turn: inout Turn) -> StoreOutcome {
        let fingerprint = request.idempotencyKey == nil ? 0 : request.fingerprint
        let now = turn.now
        let (outcome, job) = jobs.withLock { table -> (StoreOutcome?, StoredJob?) in
            if let outcome = table.deletions.replay(request.idempotencyKey, fingerprint) { return (outcome, nil) }
            guard let job = table.completeJob(request.jobId) else {
                return (.refused(Self.noJob(request.jobId)), nil)
            }
            guard table.deletionCount < ServerLimits.jobDeletionCountMax || job.sweepFlags.contains(.deleted) else {
                return (.refused(Self.tooManyDeletions), nil)
            }
            let call = request.idempotencyKey.map { KeyedCall(key: $0, fingerprint: fingerprint) }
            if let refusal = job.beginDeletion(request, call, at: now) { return (.refused(refusal), nil) }
            table.beginDeletion()
            // In case it comes again before this call is done.
            table.deletions.remember(request.idempotencyKey, fingerprint, .jobDeleted(isComplete: false))
            return (nil, job)
        }
        guard let job else { return outcome ?? .refused(Self.noJob(request.jobId)) }
        beginSweep(of: job, &turn)
        let deleted = StoreOutcome.jobDeleted(isComplete: job.isEmptied)
        if let key = request.idempotencyKey {
            jobs.withLock { table in
                table.deletions.settle(key, deleted)
                turn.depends(
                    on: changes.record { buffer in
                        buffer.append(RecordKind.deletionSettled.rawValue)
                        buffer.append(key)
                        buffer.append(fingerprint)
                        buffer.append(deleted)
                    })
            }
        }
        return deleted
    }

    func updateJob(_ request: UpdateJobRequest, _ turn: inout Turn) -> StoreOutcome {
        guard let job = jobs.withLock({ $0.completeJob(request.jobId) }) else {
            return .refused(Self.noJob(request.jobId))
        }
        let outcome = job.update(request, at: turn.now)
        if case .job = outcome, request.rollout != nil, let due = scheduleNextRollout(of: job, at: turn.now) {
            turn.willBeDue(at: due)
        }
        return outcome
    }

    func getJobDocument(_ request: GetJobDocumentRequest, _ turn: inout Turn) -> StoreOutcome {
        guard let job = completeJob(request.jobId, &turn) else { return .refused(Self.noJob(request.jobId)) }
        turn.depends(on: job.state.withLock { $0.lastSequence })
        return .jobDocument(job.document)
    }

    /// Each thing leaves for itself, so a long list holds nobody up.
    func removeJobTargets(_ request: RemoveJobTargetsRequest, _ turn: inout Turn) -> StoreOutcome {
        guard let job = jobs.withLock({ $0.completeJob(request.jobId) }) else {
            return .refused(Self.noJob(request.jobId))
        }
        let fingerprint = request.idempotencyKey == nil ? 0 : request.fingerprint
        if let outcome = job.replay(request, fingerprint) { return outcome }
        var count: UInt32 = 0
        for name in request.targets {
            do throws(StorageFault) {
                if try removeTarget(of: job, name, &turn) { count += 1 }
            } catch {
                return .refused(Self.unreadable(error))
            }
            changes.publishIfMany()
        }
        let outcome = StoreOutcome.targetsRemoved(count: count)
        job.remember(request.idempotencyKey, fingerprint, outcome)
        return outcome
    }

    private func removeTarget(of job: StoredJob, _ name: ThingName, _ turn: inout Turn) throws(StorageFault) -> Bool {
        let (stripe, hash) = stripe(of: name)
        guard let archive else {
            return stripe.content.withLock { $0.removeTarget(of: job, name, hash: hash, &turn) }
        }
        while true {
            let departures = archive.departures.load(ordering: .acquiring)
            // One that has ended is no target that waits to be queued.
            try bringBack(name, from: archive)
            let hasLeft: Bool? = stripe.content.withLock {
                guard archive.departures.load(ordering: .acquiring) == departures else { return nil }
                return $0.removeTarget(of: job, name, hash: hash, &turn)
            }
            if let hasLeft { return hasLeft }
        }
    }

    func deleteExecution(_ request: DeleteJobExecutionRequest, _ turn: inout Turn) -> StoreOutcome {
        let (stripe, hash) = stripe(of: request.thingName)
        guard let key = request.idempotencyKey else {
            return stripe.content.withLock { $0.delete(request, nil, hash: hash, &turn) }
        }
        let fingerprint = request.fingerprint
        var local = turn
        let outcome = jobs.withLock { table -> StoreOutcome in
            if let outcome = table.deletions.replay(key, fingerprint) { return outcome }
            let call = KeyedCall(key: key, fingerprint: fingerprint)
            let outcome = stripe.content.withLock { $0.delete(request, call, hash: hash, &local) }
            if case .executionDeleted = outcome { table.deletions.remember(key, fingerprint, outcome) }
            return outcome
        }
        turn = local
        return outcome
    }

    private static let tooManyDeletions = Refusal(
        .limitExceeded, "\(ServerLimits.jobDeletionCountMax) jobs are being deleted; try again when one of them is gone"
    )

    // MARK: Sweeps

    /// Works off what it can of a job's cancel or deletion, and leaves the rest to `advance`.
    private func beginSweep(of job: StoredJob, _ turn: inout Turn) {
        jobs.withLock { $0.scheduleSweep(of: job) }
        _ = sweep(job, limit: Self.inlineSweepCount, &turn)
        if jobs.withLock({ $0.nextSweep != nil }) { turn.willBeDue(at: turn.now) }
    }

    /// Jobs canceled by a rule; to be called when no lock is held.
    func sweepAborted(_ turn: inout Turn) {
        let aborted = turn.abortedJobs
        turn.abortedJobs = []
        for job in aborted { beginSweep(of: job, &turn) }
    }

    /// Works off up to `limit` executions, each under its stripe's lock alone. Returns how many it looked at.
    func sweep(_ job: StoredJob, limit: Int, _ turn: inout Turn) -> Int {
        var looked = 0
        while looked < limit {
            var (start, references) = job.takeSweepChunk(atMost: min(64, limit - looked))
            if references.isEmpty { break }
            if job.sweepFlags.contains(.deleted), references.contains(where: \.isAbsent) {
                // What cannot be read stays, and with it the job; the sweep of the next start looks again.
                try? bringBack(job, at: start..<(start + references.count))
                references = job.state.withLock { Array($0.executions[start...].prefix(references.count)) }
            }
            for (index, reference) in references.enumerated() where reference.slot != ExecutionSlot.none {
                stripes[Int(reference.stripe)].content.withLock {
                    $0.sweep(Int(reference.slot), of: job, position: start + index, &turn)
                }
            }
            looked += references.count
            changes.publishIfMany()
        }
        let now = turn.now
        jobs.withLock { table in
            table.endSweep(of: job)
            if job.isEmptied { table.endDeletion(of: job, at: now) }
        }
        return looked
    }
}
