internal import ErrandCore
internal import ErrandWire

/// Why a call failed, and what a caller needs to decide what to do next (SPEC §8.3, §10).
public struct ErrandError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Compare this; never the message.
    public var code: StatusCode
    /// For people.
    public var message: String
    /// May the call have taken effect? After `.no` it is always safe to send again. `.unknown` comes when the deadline passes,
    /// or the task or the client ends, before the answer to a change is there; and, without idempotency keys, when the
    /// connection is lost (`ClientConfiguration.usesIdempotencyKeys`).
    public var applied: Applied
    /// The current state, with VERSION_MISMATCH, INVALID_STATE_TRANSITION and TERMINAL_STATE.
    public var executionState: JobExecutionState?
    /// How long the server asks to wait before another attempt.
    public var retryAfterMilliseconds: UInt32?

    package init(
        _ code: StatusCode, _ message: String, applied: Applied? = nil, executionState: JobExecutionState? = nil,
        retryAfterMilliseconds: UInt32? = nil
    ) {
        self.code = code
        self.message = message
        self.applied = applied ?? code.applied
        self.executionState = executionState
        self.retryAfterMilliseconds = retryAfterMilliseconds
    }

    package init(_ field: InvalidField) {
        self.init(.invalidRequest, field.description)
    }

    init(_ code: StatusCode, _ failure: Failure) {
        self.init(
            code, failure.message, applied: failure.applied, executionState: failure.executionState,
            retryAfterMilliseconds: failure.retryAfterMilliseconds)
    }

    public var description: String { "\(code): \(message)" }
}
