/// What is stored of one execution besides its names and its details: plain bytes, copied without counting references.
package struct ExecutionFacts: BitwiseCopyable, Sendable, Equatable {
    package var executionNumber: Int64
    package var versionNumber: Int64
    package var queuedAtMilliseconds: Int64
    package var lastUpdatedAtMilliseconds: Int64
    /// No time is represented by a value that no clock gives; it never leaves this type.
    private var startedAt = Self.never
    private var inProgressDeadline = Self.never
    private var stepDeadline = Self.never
    package var status = JobExecutionStatus.queued
    package var forceCanceled = false
    package var retryAttempt: UInt16
    /// How many of the retries that led here followed a FAILED attempt; the others followed a TIMED_OUT one.
    package var retriesAfterFailed: UInt8 = 0

    private static let never = Int64.max

    /// Of a new execution, QUEUED with version 1.
    init(executionNumber: Int64, retryAttempt: UInt16, queuedAtMilliseconds: Int64) {
        self.executionNumber = executionNumber
        self.retryAttempt = retryAttempt
        self.queuedAtMilliseconds = queuedAtMilliseconds
        versionNumber = 1
        lastUpdatedAtMilliseconds = queuedAtMilliseconds
    }

    package var startedAtMilliseconds: Int64? {
        get { startedAt == Self.never ? nil : startedAt }
        set { startedAt = newValue ?? Self.never }
    }

    package var inProgressDeadlineMilliseconds: Int64? {
        get { inProgressDeadline == Self.never ? nil : inProgressDeadline }
        set { inProgressDeadline = newValue ?? Self.never }
    }

    package var stepDeadlineMilliseconds: Int64? {
        get { stepDeadline == Self.never ? nil : stepDeadline }
        set { stepDeadline = newValue ?? Self.never }
    }

    /// The earlier of the two deadlines, while a timer runs (SPEC §14 `SEM-5`).
    package var deadlineMilliseconds: Int64? {
        guard status == .inProgress else { return nil }
        let deadline = min(inProgressDeadline, stepDeadline)
        return deadline == Self.never ? nil : deadline
    }

    /// SPEC §14 `SEM-6`.
    package func approximateSecondsBeforeTimedOut(at nowMilliseconds: Int64) -> UInt32? {
        guard let deadline = deadlineMilliseconds else { return nil }
        guard deadline > nowMilliseconds else { return 0 }
        let (difference, overflows) = deadline.subtractingReportingOverflow(nowMilliseconds)
        let remaining = overflows ? Int64.max : difference
        return UInt32(clamping: remaining / 1000 + (remaining % 1000 == 0 ? 0 : 1))
    }
}
