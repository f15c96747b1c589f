import ErrandCore
import Synchronization

/// What watches are told of a job and its executions (SPEC §8.9). Whoever appends holds the lock of the job's state, or,
/// for a change that leaves the job alone, that of the execution's stripe.
extension StoredJob {
    /// An execution is now as `record` says.
    func event(
        _ record: borrowing ExecutionRecord, on thingName: ThingName, from: JobExecutionStatus?, by actor: HistoryActor
    ) -> JobExecutionEvent {
        JobExecutionEvent(
            revision: 0, atMilliseconds: record.lastUpdatedAtMilliseconds, actor: actor, jobId: id,
            subject: .execution(
                JobExecutionEventState(
                    thingName: thingName, executionNumber: record.executionNumber,
                    versionNumber: record.versionNumber, retryAttempt: record.retryAttempt, from: from,
                    to: record.status, forceCanceled: record.forceCanceled, statusDetails: record.statusDetails)))
    }

    /// An attempt is gone.
    func deletionEvent(
        _ record: borrowing ExecutionRecord, on thingName: ThingName, at now: Int64
    ) -> JobExecutionEvent {
        JobExecutionEvent(
            revision: 0, atMilliseconds: max(now, record.lastUpdatedAtMilliseconds), actor: .fleetOperator, jobId: id,
            subject: .executionDeleted(
                thingName: thingName, executionNumber: record.executionNumber, versionNumber: record.versionNumber,
                retryAttempt: record.retryAttempt, from: record.status))
    }

    func noteQueued(_ record: borrowing ExecutionRecord, on thingName: ThingName) {
        changes.append(event(record, on: thingName, from: nil, by: .service))
    }

    /// The job has come to exist.
    func noteCreated() {
        state.withLock { note(from: nil, $0, by: .fleetOperator) }
    }

    /// The job got the status that it has, or was updated.
    func note(from: JobStatus?, _ state: borrowing State, by actor: HistoryActor) {
        append(.job(from: from, to: state.status), at: state.lastUpdatedAt, by: actor)
    }

    /// Nothing is left of the job.
    func noteDeleted() {
        let (status, lastUpdatedAt) = state.withLock { ($0.status, $0.lastUpdatedAt) }
        append(.jobDeleted(from: status), at: lastUpdatedAt, by: .service)
    }

    func completeIfDone(_ state: inout State, at now: Int64) {
        if state.completeIfDone(at: now) { note(from: .inProgress, state, by: .service) }
    }

    private func append(_ subject: JobExecutionEvent.Subject, at time: Int64, by actor: HistoryActor) {
        changes.append(
            JobExecutionEvent(revision: 0, atMilliseconds: time, actor: actor, jobId: id, subject: subject))
    }
}
