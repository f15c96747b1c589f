import ErrandCore

/// A job's id where many can share it, without keeping the job with its document and its targets.
final class JobIdentity: Sendable {
    let id: JobId

    init(_ id: JobId) { self.id = id }
}

/// One change as the feed keeps it: about 190 bytes, of which none are copied to the heap.
struct FeedEvent: Sendable {
    enum Change: Sendable {
        /// `from` is nothing when it was queued just now.
        case execution(from: JobExecutionStatus?, to: JobExecutionStatus)
        case executionDeleted(from: JobExecutionStatus)
        /// `from` is nothing when it was created just now.
        case job(from: JobStatus?, to: JobStatus)
        case jobDeleted(from: JobStatus)
    }

    let change: Change
    let actor: HistoryActor
    var forceCanceled = false
    var retryAttempt: UInt16 = 0
    let atMilliseconds: Int64
    var executionNumber: Int64 = 0
    var versionNumber: Int64 = 0
    let job: JobIdentity
    /// Empty for a change of a job as a whole.
    var thingName = ThingName()
    /// Shares its bytes with the record that they came from.
    var statusDetails = StatusDetails()

    /// A change of a job as a whole.
    init(_ change: Change, by actor: HistoryActor, job: JobIdentity, at time: Int64) {
        self.change = change
        self.actor = actor
        self.job = job
        atMilliseconds = time
    }

    /// `record` is what `from` has become; nothing if it was queued just now.
    init(
        _ record: borrowing ExecutionRecord, from: JobExecutionStatus?, by actor: HistoryActor, job: JobIdentity,
        thingName: ThingName
    ) {
        change = .execution(from: from, to: record.status)
        self.actor = actor
        forceCanceled = record.forceCanceled
        retryAttempt = record.retryAttempt
        atMilliseconds = record.lastUpdatedAtMilliseconds
        executionNumber = record.executionNumber
        versionNumber = record.versionNumber
        self.job = job
        self.thingName = thingName
        statusDetails = record.statusDetails
    }

    /// `record` is deleted.
    init(deleted record: borrowing ExecutionRecord, job: JobIdentity, thingName: ThingName, at time: Int64) {
        change = .executionDeleted(from: record.status)
        actor = .fleetOperator
        retryAttempt = record.retryAttempt
        forceCanceled = record.forceCanceled
        atMilliseconds = max(time, record.lastUpdatedAtMilliseconds)
        executionNumber = record.executionNumber
        versionNumber = record.versionNumber
        self.job = job
        self.thingName = thingName
    }

    var isOfExecution: Bool {
        switch change {
        case .execution, .executionDeleted: true
        case .job, .jobDeleted: false
        }
    }

    /// What becomes of the thing's pending list; nothing if it stays as it is.
    var queueChange: (list: Bool, head: Bool)? {
        switch change {
        case .execution(nil, _): (true, true)
        case .execution(_, let to) where to.isTerminal: (true, true)
        case .execution(.queued?, .inProgress): (false, true)
        case .executionDeleted(let from) where !from.isTerminal: (true, true)
        case .execution, .executionDeleted, .job, .jobDeleted: nil
        }
    }

    /// Whether a watch of `scope` is sent it.
    func isFor(_ scope: WatchScope) -> Bool {
        switch scope {
        case .everything: true
        case .job(let id): job.id == id
        case .thing(let name): thingName == name
        case .execution(let id, let name): thingName == name && job.id == id
        case .queue: false
        }
    }

    /// As it is shown.
    func shown(revision: UInt64) -> JobExecutionEvent {
        let subject: JobExecutionEvent.Subject =
            switch change {
            case .execution(let from, let to):
                .execution(
                    JobExecutionEventState(
                        thingName: thingName, executionNumber: executionNumber, versionNumber: versionNumber,
                        retryAttempt: retryAttempt, from: from, to: to, forceCanceled: forceCanceled,
                        statusDetails: statusDetails))
            case .executionDeleted(let from):
                .executionDeleted(
                    thingName: thingName, executionNumber: executionNumber, versionNumber: versionNumber,
                    retryAttempt: retryAttempt, from: from)
            case .job(let from, let to): .job(from: from, to: to)
            case .jobDeleted(let from): .jobDeleted(from: from)
            }
        return JobExecutionEvent(
            revision: revision, atMilliseconds: atMilliseconds, actor: actor, jobId: job.id, subject: subject)
    }
}
