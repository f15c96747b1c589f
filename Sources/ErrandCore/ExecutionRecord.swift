/// What is stored of one execution, without its names: the value that the rules change.
///
/// Its accessors are inlined, because another module that calls one copies the whole record for it.
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

    @inlinable
    package var executionNumber: Int64 {
        get { facts.executionNumber }
        set { facts.executionNumber = newValue }
    }

    @inlinable
    package var versionNumber: Int64 {
        get { facts.versionNumber }
        set { facts.versionNumber = newValue }
    }

    @inlinable
    package var queuedAtMilliseconds: Int64 {
        get { facts.queuedAtMilliseconds }
        set { facts.queuedAtMilliseconds = newValue }
    }

    @inlinable
    package var lastUpdatedAtMilliseconds: Int64 {
        get { facts.lastUpdatedAtMilliseconds }
        set { facts.lastUpdatedAtMilliseconds = newValue }
    }

    @inlinable
    package var startedAtMilliseconds: Int64? {
        get { facts.startedAtMilliseconds }
        set { facts.startedAtMilliseconds = newValue }
    }

    @inlinable
    package var inProgressDeadlineMilliseconds: Int64? {
        get { facts.inProgressDeadlineMilliseconds }
        set { facts.inProgressDeadlineMilliseconds = newValue }
    }

    @inlinable
    package var stepDeadlineMilliseconds: Int64? {
        get { facts.stepDeadlineMilliseconds }
        set { facts.stepDeadlineMilliseconds = newValue }
    }

    @inlinable
    package var status: JobExecutionStatus {
        get { facts.status }
        set { facts.status = newValue }
    }

    @inlinable
    package var forceCanceled: Bool {
        get { facts.forceCanceled }
        set { facts.forceCanceled = newValue }
    }

    @inlinable
    package var retryAttempt: UInt16 {
        get { facts.retryAttempt }
        set { facts.retryAttempt = newValue }
    }

    @inlinable
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
