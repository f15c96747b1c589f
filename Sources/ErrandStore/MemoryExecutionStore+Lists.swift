import ErrandCore
import Synchronization

extension MemoryExecutionStore {
    /// SPEC §9.12. Takes the job's lock for a handful of references at a time and each execution's stripe for itself,
    /// so a long list holds nobody up; each entry is as it was when its own turn came.
    func listForJob(_ request: ListJobExecutionsForJobRequest, _ turn: inout Turn) -> StoreOutcome {
        guard let job = completeJob(request.jobId, &turn) else { return .refused(Self.noJob(request.jobId)) }
        var position = 0
        if let token = request.nextToken {
            guard case .job(let next)? = PageToken(token, of: request.jobId.text.bytes),
                next <= job.state.withLock({ $0.executions.count })
            else {
                return .refused(PageToken.refusal)
            }
            position = Int(next)
        }
        let limit = Int(clamping: request.maxResults ?? UInt32(FieldLimits.pageResultCountMax))
        let scanEnd = position + Self.scanLimit
        var page = JobExecutionPage(executions: [], nextToken: nil)
        while page.executions.count < limit, position < scanEnd {
            let wanted = min(limit - page.executions.count, scanEnd - position)
            let (departures, listedCount) = (archive?.departures.load(ordering: .acquiring), page.executions.count)
            var references = job.state.withLock { Array($0.executions[position...].prefix(wanted)) }
            if references.isEmpty { break }
            if archive != nil, references.contains(where: \.isAbsent) {
                do throws(StorageFault) {
                    try bringBack(job, at: position..<(position + references.count))
                } catch {
                    return .refused(Self.unreadable(error))
                }
                references = job.state.withLock { Array($0.executions[position...].prefix(references.count)) }
            }
            for (index, reference) in references.enumerated() where reference.slot != ExecutionSlot.none {
                let stripe = stripes[Int(reference.stripe)]
                let summary = stripe.content.withLock {
                    $0.summary(
                        of: Int(reference.slot), of: job, position: position + index, ifStatus: request.status, &turn)
                }
                if let summary { page.executions.append(summary) }
            }
            if let archive, archive.departures.load(ordering: .acquiring) != departures {
                // One may have left between the look at its place and that at its stripe.
                page.executions.removeLast(page.executions.count - listedCount)
                continue
            }
            position += references.count
        }
        let count = job.state.withLock { state in
            // At the end, so that it covers what was queued and deleted meanwhile.
            turn.depends(on: state.lastSequence)
            return state.executions.count
        }
        if position < count {
            page.nextToken = PageToken.job(position: UInt32(position)).bytes(of: request.jobId.text.bytes)
        }
        return .page(page)
    }

    /// SPEC §9.18. Each job is as it was when its own turn came.
    func listJobs(_ request: ListJobsRequest, _ turn: inout Turn) -> StoreOutcome {
        var number: UInt64 = 0
        if let token = request.nextToken {
            guard case .jobs(let last)? = PageToken(token, of: JobId().text.bytes) else {
                return .refused(PageToken.refusal)
            }
            number = last
        }
        let limit = Int(clamping: request.maxResults ?? UInt32(FieldLimits.pageResultCountMax))
        var page = JobPage(jobs: [], nextToken: nil)
        var scanned = 0
        while page.jobs.count < limit, scanned < Self.scanLimit {
            let wanted = min(256, limit - page.jobs.count)
            let chunk = jobs.withLock { table in
                turn.depends(on: table.lastRemovalSequence)
                return table.jobs(after: number, atMost: wanted)
            }
            for entry in chunk {
                if let summary = entry.job.summary(ifStatus: request.status, &turn) { page.jobs.append(summary) }
            }
            number = chunk.last?.number ?? number
            scanned += chunk.count
            if chunk.count < wanted { return .jobPage(page) }
        }
        let isMore = jobs.withLock { table in
            turn.depends(on: table.lastRemovalSequence)
            return !table.jobs(after: number, atMost: 1).isEmpty
        }
        if isMore {
            page.nextToken = PageToken.jobs(creationNumber: number).bytes(of: JobId().text.bytes)
        }
        return .jobPage(page)
    }
}
