import ErrandCore

extension Stripe {
    /// SPEC §9.22. A page goes on with the attempt that the first page was of.
    mutating func history(
        _ request: borrowing GetJobExecutionHistoryRequest, hash: UInt32, _ turn: inout Turn
    ) -> StoreOutcome {
        var executionNumber = request.executionNumber
        var start: UInt32 = 0
        if let token = request.nextToken {
            guard case .history(let number, let ordinal)? = PageToken(token, of: request.thingName.text.bytes),
                executionNumber == nil || executionNumber == number
            else {
                return .refused(PageToken.refusal)
            }
            executionNumber = number
            start = ordinal
        }
        guard
            let found = find(
                request.jobId, on: request.thingName, hash: hash, executionNumber: executionNumber, &turn)
        else {
            return .refused(
                notFound(request.jobId, request.thingName, hash: hash, executionNumber: executionNumber))
        }
        let record = slots[found.slot].record
        let birth = ExecutionLog.NumberedEntry(
            ordinal: 0,
            entry: JobExecutionHistoryEntry(
                kind: .change, actor: .service, atMilliseconds: record.queuedAtMilliseconds, fromStatus: nil,
                toStatus: .queued, versionNumber: 1, statusDetails: StatusDetails()))
        let newest = slots[found.slot].log.newest(slots[found.slot].newestChange, record)
        let entries = ([birth] + slots[found.slot].log.entries(queuedAt: record.queuedAtMilliseconds) + newest)
            .filter { $0.ordinal >= start }
        let limit = Int(clamping: request.maxResults ?? UInt32(FieldLimits.pageResultCountMax))
        var page = JobExecutionHistoryPage(
            entries: entries.prefix(limit).map(\.entry), droppedCount: slots[found.slot].log.droppedCount,
            nextToken: nil)
        if entries.count > limit {
            let token = PageToken.history(executionNumber: record.executionNumber, ordinal: entries[limit].ordinal)
            page.nextToken = token.bytes(of: request.thingName.text.bytes)
        }
        return .history(page)
    }
}
