package import ErrandCore

/// What a store is asked to decide.
///
/// Requests hold their names in place and are large, so they are boxed: a command is moved several times. A describe
/// has its names in the batch's `DescribeLane`.
package enum StoreCommand: Sendable {
    /// A run of describes: their places in the batch's `DescribeLane`.
    case describe(Range<Int>)
    indirect case describeOwn(DescribeOwnJobExecutionRequest)
    indirect case update(UpdateJobExecutionRequest)
    indirect case cancel(CancelJobExecutionRequest)
    indirect case startNext(StartNextPendingJobExecutionRequest)
    indirect case getPending(GetPendingJobExecutionsRequest)
    indirect case listForJob(ListJobExecutionsForJobRequest)
    indirect case listForThing(ListJobExecutionsForThingRequest)
    indirect case createJob(CreateJobRequest)
    indirect case addJobTargets(AddJobTargetsRequest)
    indirect case describeJob(DescribeJobRequest)
    indirect case cancelJob(CancelJobRequest)
    indirect case deleteJob(DeleteJobRequest)
    indirect case updateJob(UpdateJobRequest)
    indirect case listJobs(ListJobsRequest)
    indirect case getJobDocument(GetJobDocumentRequest)
    indirect case removeJobTargets(RemoveJobTargetsRequest)
    indirect case deleteExecution(DeleteJobExecutionRequest)
    indirect case getHistory(GetJobExecutionHistoryRequest)

    /// Whether it may change what is stored, apart from what is due anyway.
    var isChange: Bool {
        switch self {
        case .describe, .describeOwn, .getPending, .listForJob, .listForThing, .describeJob, .listJobs, .getJobDocument,
            .getHistory:
            false
        case .update, .cancel, .startNext, .createJob, .addJobTargets, .cancelJob, .deleteJob, .updateJob,
            .removeJobTargets, .deleteExecution:
            true
        }
    }

    /// Whether it may change more than the executions of one thing.
    var isChangeOfJob: Bool {
        switch self {
        case .describe, .describeOwn, .update, .cancel, .startNext, .getPending, .listForThing, .getHistory,
            .listForJob,
            .describeJob, .listJobs, .getJobDocument:
            false
        case .createJob, .addJobTargets, .cancelJob, .deleteJob, .updateJob, .removeJobTargets, .deleteExecution: true
        }
    }

    private static let detailsWeight = 4
    package static let describeWeight = detailsWeight
    private static let documentWeight = 32

    /// About how much memory its outcome may hold, for keeping a batch bounded: 1 is an entry of a list. An outcome
    /// with status details can have 42 KB, one with the document 75 KB; most have much less.
    package var weight: Int {
        switch self {
        case .getPending(let request): Int(request.maxResults ?? UInt32(FieldLimits.pendingResultCountDefault))
        case .listForJob(let request): Int(request.maxResults ?? UInt32(FieldLimits.pageResultCountMax))
        case .listForThing(let request): Int(request.maxResults ?? UInt32(FieldLimits.pageResultCountMax))
        case .listJobs(let request): Int(request.maxResults ?? UInt32(FieldLimits.pageResultCountMax))
        case .getHistory: ServerLimits.historyFirstChangeCount + ServerLimits.historyLastChangeCount
        case .removeJobTargets(let request): 1 + request.targets.count / 16
        case .cancelJob, .deleteJob: 256
        case .createJob(let request): 1 + request.targets.count / 16
        case .addJobTargets(let request): 1 + request.targets.count / 16
        case .startNext, .getJobDocument: Self.documentWeight
        case .describeOwn(let request): request.includeJobDocument ? Self.documentWeight : Self.detailsWeight
        case .update(let request):
            request.includeJobDocument || request.includeJobExecutionState ? Self.documentWeight : Self.detailsWeight
        // Where the reply has no status details, a refusal has.
        case .describe(let run): run.count * Self.describeWeight
        case .cancel: Self.detailsWeight
        case .describeJob, .updateJob, .deleteExecution: 1
        }
    }
}

/// What the store decided.
package enum StoreOutcome: Sendable {
    /// Of a run of describes: what each found, or why it was refused, is in the batch's `DescribeLane`.
    case described
    /// Nothing if no execution is pending.
    indirect case execution(StoredExecutionView?)
    case changed(JobExecutionChange, jobDocument: JobDocument?)
    case pending(PendingJobExecutions)
    case page(JobExecutionPage)
    case targetsReceived(JobTargetsReceipt)
    /// Of describeJob, cancelJob and updateJob.
    indirect case job(Job)
    /// Whether the job is gone; if not it is DELETION_IN_PROGRESS.
    case jobDeleted(isComplete: Bool)
    case executionDeleted
    /// How many things left the job: their open execution is REMOVED now, or they will never be queued.
    case targetsRemoved(count: UInt32)
    case jobPage(JobPage)
    case jobDocument(JobDocument)
    case history(JobExecutionHistoryPage)
    case refused(Refusal)
}

/// One execution as it was when decided, with its names.
package struct StoredExecutionView: Sendable {
    package var jobId: JobId
    package var thingName: ThingName
    package var record: ExecutionRecord
    package var approximateSecondsBeforeTimedOut: UInt32?
    package var jobDocument: JobDocument?

    package init(
        jobId: JobId, thingName: ThingName, record: ExecutionRecord, approximateSecondsBeforeTimedOut: UInt32?,
        jobDocument: JobDocument?
    ) {
        self.jobId = jobId
        self.thingName = thingName
        self.record = record
        self.approximateSecondsBeforeTimedOut = approximateSecondsBeforeTimedOut
        self.jobDocument = jobDocument
    }
}

/// A job's document, shared by all who read it.
package struct JobDocument: Sendable, Equatable {
    package let bytes: [UInt8]

    package init(_ text: String) {
        bytes = Array(text.utf8)
    }
}

/// Commands on their way to a store and outcomes on their way back; used again and again by its owner.
///
/// `@unchecked Sendable`: it has one owner at a time. The submitter fills `commands` and `describes`, and lets go at
/// `submit`; the store fills `outcomes` and `describes`, and lets go at `complete`, after which it belongs to the
/// submitter again.
package final class CommandBatch: @unchecked Sendable {
    package var commands: [StoreCommand] = []
    package var outcomes: [StoreOutcome] = []
    package var describes = DescribeLane()
    /// Whatever the submitter wants to find again when the batch is complete.
    package var context: AnyObject?
    private let onComplete: @Sendable (CommandBatch) -> Void

    package init(onComplete: @escaping @Sendable (CommandBatch) -> Void) {
        self.onComplete = onComplete
    }

    /// Adds a run of one describe.
    package func add(_ request: borrowing DescribeJobExecutionRequest) {
        describes.add(request)
        commands.append(.describe(describes.count - 1..<describes.count))
    }

    /// Called by the store, once for each submit.
    package func complete() {
        precondition(outcomes.count == commands.count, "a store answers every command")
        onComplete(self)
    }

    /// Makes it ready for the next use, keeping its memory.
    package func reset() {
        commands.removeAll(keepingCapacity: true)
        outcomes.removeAll(keepingCapacity: true)
        describes.reset()
        context = nil
    }
}
