/// How a call ended (SPEC §10). 0–16 are gRPC's numbers; the domain's own start at 32.
public enum StatusCode: UInt8, Error, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    case ok = 0
    case cancelled = 1
    case unknown = 2
    case invalidRequest = 3
    case deadlineExceeded = 4
    case notFound = 5
    case alreadyExists = 6
    case permissionDenied = 7
    case resourceExhausted = 8
    case failedPrecondition = 9
    case aborted = 10
    case outOfRange = 11
    case unimplemented = 12
    case internalError = 13
    case unavailable = 14
    case dataLoss = 15
    case unauthenticated = 16
    case versionMismatch = 32
    case invalidStateTransition = 33
    case terminalState = 34
    case limitExceeded = 35
    case throttled = 36
    case idempotencyConflict = 37
    case watchCompacted = 38
    case slowConsumer = 39
    case protocolError = 48

    /// The name in SPEC §10, such as `VERSION_MISMATCH`.
    public var description: String {
        switch self {
        case .ok: "OK"
        case .cancelled: "CANCELLED"
        case .unknown: "UNKNOWN"
        case .invalidRequest: "INVALID_REQUEST"
        case .deadlineExceeded: "DEADLINE_EXCEEDED"
        case .notFound: "NOT_FOUND"
        case .alreadyExists: "ALREADY_EXISTS"
        case .permissionDenied: "PERMISSION_DENIED"
        case .resourceExhausted: "RESOURCE_EXHAUSTED"
        case .failedPrecondition: "FAILED_PRECONDITION"
        case .aborted: "ABORTED"
        case .outOfRange: "OUT_OF_RANGE"
        case .unimplemented: "UNIMPLEMENTED"
        case .internalError: "INTERNAL"
        case .unavailable: "UNAVAILABLE"
        case .dataLoss: "DATA_LOSS"
        case .unauthenticated: "UNAUTHENTICATED"
        case .versionMismatch: "VERSION_MISMATCH"
        case .invalidStateTransition: "INVALID_STATE_TRANSITION"
        case .terminalState: "TERMINAL_STATE"
        case .limitExceeded: "LIMIT_EXCEEDED"
        case .throttled: "THROTTLED"
        case .idempotencyConflict: "IDEMPOTENCY_CONFLICT"
        case .watchCompacted: "WATCH_COMPACTED"
        case .slowConsumer: "SLOW_CONSUMER"
        case .protocolError: "PROTOCOL_ERROR"
        }
    }

    /// May the same request be sent again?
    public var retryAdvice: RetryAdvice {
        switch self {
        case .cancelled, .deadlineExceeded, .slowConsumer: .yes
        case .unknown, .resourceExhausted, .aborted, .internalError, .unavailable, .limitExceeded, .throttled: .later
        case .versionMismatch, .watchCompacted: .decide
        case .ok, .invalidRequest, .notFound, .alreadyExists, .permissionDenied, .failedPrecondition, .outOfRange,
            .unimplemented, .dataLoss, .unauthenticated, .invalidStateTransition, .terminalState, .idempotencyConflict,
            .protocolError:
            .never
        }
    }

    /// Was a call that ended with this code applied, where the server does not say otherwise?
    public var applied: Applied {
        switch self {
        case .ok: .yes
        case .unknown, .internalError, .dataLoss, .protocolError: .unknown
        default: .no
        }
    }
}

/// SPEC §10, column *retryable*.
public enum RetryAdvice: String, Sendable, Hashable {
    case never
    /// Only after deciding anew on the state that the failure carries.
    case decide
    /// After the delay that the server gave, or with back-off.
    case later
    case yes
}

/// SPEC §10, column *applied*: did the call take effect?
public enum Applied: UInt8, Sendable, Hashable, CustomStringConvertible {
    case no = 0
    case yes = 1
    case unknown = 2

    public var description: String {
        switch self {
        case .no: "no"
        case .yes: "yes"
        case .unknown: "unknown"
        }
    }
}
