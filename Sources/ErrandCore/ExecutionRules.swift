/// The one place with rules about status: `(record, request, now)` to a changed record or a refusal (SPEC §14).
///
/// Pure: no clock, no storage. The caller has validated the fields, found the execution, and calls `expire` first,
/// so that nobody wins against a deadline that has passed.
package struct ExecutionRules: Sendable {
    /// What a minute of a timer lasts; 60,000 outside of tests.
    package let minuteLengthMilliseconds: Int64

    package init(minuteLengthMilliseconds: Int64 = 60_000) {
        precondition(minuteLengthMilliseconds > 0, "a minute lasts at least a millisecond")
        self.minuteLengthMilliseconds = minuteLengthMilliseconds
    }

    package enum Decision: Sendable, Equatable {
        case changed(ExecutionRecord)
        case unchanged
        case refused(Refusal)
    }

    /// A device's report.
    package func update(
        _ record: borrowing ExecutionRecord, _ request: borrowing UpdateJobExecutionRequest,
        inProgressTimeoutInMinutes: Int64?, at now: Int64
    ) -> Decision {
        if let refusal = versionRefusal(record, expected: request.expectedVersion) { return .refused(refusal) }
        guard !record.status.isTerminal else {
            return .refused(transitionRefusal(record, "cannot become \(request.status)"))
        }
        var next = copy record
        if let details = request.statusDetails {
            do throws(InvalidField) {
                next.statusDetails = request.mergeStatusDetails ? try record.statusDetails.merging(details) : details
            } catch {
                return .refused(Refusal(error))
            }
        }
        touch(&next, at: now)
        if next.startedAtMilliseconds == nil { next.startedAtMilliseconds = next.lastUpdatedAtMilliseconds }
        if request.status == .inProgress {
            if record.status == .queued { startInProgressTimer(&next, inProgressTimeoutInMinutes) }
            setStepTimer(&next, request.stepTimeoutInMinutes)
            next.status = .inProgress
        } else {
            end(&next, request.status)
        }
        return .changed(next)
    }

    /// A device starts the head of its list; a started one is left as it is.
    package func start(
        _ record: ExecutionRecord, _ request: StartNextPendingJobExecutionRequest, inProgressTimeoutInMinutes: Int64?,
        at now: Int64
    ) -> Decision {
        guard record.status == .queued else { return .unchanged }
        var next = record
        if let details = request.statusDetails { next.statusDetails = details }
        touch(&next, at: now)
        next.status = .inProgress
        next.startedAtMilliseconds = next.lastUpdatedAtMilliseconds
        startInProgressTimer(&next, inProgressTimeoutInMinutes)
        setStepTimer(&next, request.stepTimeoutInMinutes)
        return .changed(next)
    }

    /// An operator's cancel.
    package func cancel(_ record: ExecutionRecord, _ request: CancelJobExecutionRequest, at now: Int64) -> Decision {
        if let refusal = versionRefusal(record, expected: request.expectedVersion) { return .refused(refusal) }
        switch record.status {
        case .queued: break
        case .inProgress where request.force: break
        case .inProgress:
            return .refused(transitionRefusal(record, "is canceled only with force"))
        default:
            return .refused(transitionRefusal(record, "cannot be canceled"))
        }
        var next = record
        if let details = request.statusDetails { next.statusDetails = details }
        touch(&next, at: now)
        next.forceCanceled = request.force
        end(&next, .canceled)
        return .changed(next)
    }

    /// TIMED_OUT if a timer's deadline has come; nothing otherwise.
    package func expire(_ record: ExecutionRecord, at now: Int64) -> ExecutionRecord? {
        guard let deadline = record.deadlineMilliseconds, deadline <= now else { return nil }
        var next = record
        touch(&next, at: now)
        end(&next, .timedOut)
        return next
    }

    /// CANCELED by a cancel of its job; nothing if that leaves it as it is.
    package func cancelWithJob(_ record: ExecutionRecord, force: Bool, at now: Int64) -> ExecutionRecord? {
        guard record.status == .queued || (record.status == .inProgress && force) else { return nil }
        var next = record
        touch(&next, at: now)
        next.forceCanceled = force
        end(&next, .canceled)
        return next
    }

    /// REMOVED, because its thing left the job; nothing if it has ended.
    package func remove(_ record: ExecutionRecord, at now: Int64) -> ExecutionRecord? {
        guard !record.status.isTerminal else { return nil }
        var next = record
        touch(&next, at: now)
        end(&next, .removed)
        return next
    }

    /// Why an attempt may not be deleted; nothing if it may.
    package func deletionRefusal(_ record: ExecutionRecord, force: Bool) -> Refusal? {
        guard record.status == .inProgress, !force else { return nil }
        return transitionRefusal(record, "is deleted only with force")
    }

    /// The next attempt after one that has just failed, if the budgets of the criteria allow it.
    package func retry(of record: ExecutionRecord, criteria: [RetryCriterion]) -> ExecutionRecord? {
        let afterFailed = UInt16(record.retriesAfterFailed)
        for criterion in criteria where criterion.failureType.covers(record.status) {
            let used =
                switch criterion.failureType {
                case .failed: afterFailed
                case .timedOut: record.retryAttempt - min(afterFailed, record.retryAttempt)
                case .all, .rejected: record.retryAttempt
                }
            guard record.status != .rejected, used < UInt16(criterion.numberOfRetries) else { continue }
            var next = ExecutionRecord(
                executionNumber: record.executionNumber + 1, retryAttempt: record.retryAttempt + 1,
                queuedAtMilliseconds: record.lastUpdatedAtMilliseconds)
            next.retriesAfterFailed = record.retriesAfterFailed + (record.status == .failed ? 1 : 0)
            return next
        }
        return nil
    }

    /// The statuses that a device may report (SPEC §14); the others are an invalid field.
    package static func checkReportable(_ status: JobExecutionStatus) throws(InvalidField) {
        switch status {
        case .inProgress, .succeeded, .failed, .rejected: return
        case .queued, .timedOut, .removed, .canceled:
            throw InvalidField(
                "status", "\(status) is set by the service; report IN_PROGRESS, SUCCEEDED, FAILED or REJECTED")
        }
    }

    private func touch(_ record: inout ExecutionRecord, at now: Int64) {
        record.versionNumber += 1
        record.lastUpdatedAtMilliseconds = max(record.lastUpdatedAtMilliseconds, now)
    }

    private func end(_ record: inout ExecutionRecord, _ status: JobExecutionStatus) {
        record.status = status
        record.inProgressDeadlineMilliseconds = nil
        record.stepDeadlineMilliseconds = nil
    }

    private func startInProgressTimer(_ record: inout ExecutionRecord, _ minutes: Int64?) {
        record.inProgressDeadlineMilliseconds = minutes.map { deadline(record.lastUpdatedAtMilliseconds, $0) }
    }

    private func setStepTimer(_ record: inout ExecutionRecord, _ minutes: Int64?) {
        guard let minutes else { return }
        record.stepDeadlineMilliseconds = minutes == -1 ? nil : deadline(record.lastUpdatedAtMilliseconds, minutes)
    }

    /// The length of a minute is the operator's choice, so the sum may not fit; then the deadline is the last time
    /// there is, which is as good as never.
    private func deadline(_ start: Int64, _ minutes: Int64) -> Int64 {
        let (length, lengthOverflows) = minutes.multipliedReportingOverflow(by: minuteLengthMilliseconds)
        let (end, endOverflows) = start.addingReportingOverflow(length)
        return lengthOverflows || endOverflows ? Int64.max - 1 : min(end, Int64.max - 1)
    }

    private func versionRefusal(_ record: borrowing ExecutionRecord, expected: Int64?) -> Refusal? {
        guard let expected, expected != record.versionNumber else { return nil }
        return Refusal(
            .versionMismatch, "expected version \(expected), the current version is \(record.versionNumber)",
            executionState: record.state)
    }

    private func transitionRefusal(_ record: borrowing ExecutionRecord, _ reason: String) -> Refusal {
        Refusal(
            .invalidStateTransition, "an execution that is \(record.status) \(reason)", executionState: record.state)
    }
}
