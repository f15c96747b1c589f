/// Why a well-formed request was refused. A value, not an exception: SPEC §10 `STA-1` lists the precedence.
package struct Refusal: Error, Sendable, Equatable {
    package let code: StatusCode
    package let message: String
    /// The current state, where the code carries it.
    package let executionState: JobExecutionState?
    package let retryAfterMilliseconds: UInt32?

    package init(
        _ code: StatusCode, _ message: String, executionState: JobExecutionState? = nil,
        retryAfterMilliseconds: UInt32? = nil
    ) {
        self.code = code
        self.message = message
        self.executionState = executionState
        self.retryAfterMilliseconds = retryAfterMilliseconds
    }

    package init(_ invalid: InvalidField) {
        self.init(.invalidRequest, invalid.description)
    }
}
