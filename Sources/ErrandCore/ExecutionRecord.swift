/// What is stored of one execution, without its names: the value that the rules change.
package struct ExecutionRecord: Sendable, Equatable {
    package var facts: ExecutionFacts
    package var statusDetails = StatusDetails()

    package init(_ facts: ExecutionFacts, _ statusDetails: StatusDetails) {
        self.facts = facts
        self.statusDetails = statusDetails
    }

    /// A new execution, QUEUED with version 1.
    package init(executionNumber: Int64, retryAttempt: UInt16 = 0, queuedAtMilliseconds: Int64) {
        facts = ExecutionFacts(
            executionNumber: executionNumber, retryAttempt: retryAttempt, queuedAtMilliseconds: queuedAtMilliseconds)
    }

    package var executionNumber: Int64 {
        get { facts.executionNumber }
        set { facts.executionNumber = newValue }
    }

    package var versionNumber: Int64 {
        get { facts.versionNumber }
        set { facts.versionNumber = newValue }
    }

    package var queuedAtMilliseconds: Int64 {
        get { facts.queuedAtMilliseconds }
        set { facts.queuedAtMilliseconds = newValue }
    }

    package var lastUpdatedAtMilliseconds: Int64 {
        get { facts.lastUpdatedAtMilliseconds }
        set { facts.lastUpdatedAtMilliseconds = newValue }
    }

    package var startedAtMilliseconds: Int64? {
        get { facts.startedAtMilliseconds }
        set { facts.startedAtMilliseconds = newValue }
    }

    package var inProgressDeadlineMilliseconds: Int64? {
        get { facts.inProgressDeadlineMilliseconds }
        set { facts.inProgressDeadlineMilliseconds = newValue }
    }

    package var stepDeadlineMilliseconds: Int64? {
        get { facts.stepDeadlineMilliseconds }
        set { facts.stepDeadlineMilliseconds = newValue }
    }

    package var status: JobExecutionStatus {
        get { facts.status }
        set { facts.status = newValue }
    }

    package var forceCanceled: Bool {
        get { facts.forceCanceled }
        set { facts.forceCanceled = newValue }
    }

    package var retryAttempt: UInt16 {
        get { facts.retryAttempt }
        set { facts.retryAttempt = newValue }
    }

    package var retriesAfterFailed: UInt8 {
        get { facts.retriesAfterFailed }
        set { facts.retriesAfterFailed = newValue }
    }

    package var deadlineMilliseconds: Int64? { facts.deadlineMilliseconds }

    package func approximateSecondsBeforeTimedOut(at nowMilliseconds: Int64) -> UInt32? {
        facts.approximateSecondsBeforeTimedOut(at: nowMilliseconds)
    }

    package var state: JobExecutionState {
        JobExecutionState(
            status: facts.status, versionNumber: facts.versionNumber, executionNumber: facts.executionNumber,
            statusDetails: statusDetails)
    }
}
