/// The status of a job execution (SPEC §8.1); the raw value is the number on the wire.
public enum JobExecutionStatus: UInt8, BitwiseCopyable, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    case queued = 1
    case inProgress = 2
    case succeeded = 3
    case failed = 4
    case timedOut = 5
    case rejected = 6
    case removed = 7
    case canceled = 8

    /// No operation leaves a terminal status.
    public var isTerminal: Bool {
        switch self {
        case .queued, .inProgress: false
        case .succeeded, .failed, .timedOut, .rejected, .removed, .canceled: true
        }
    }

    /// The name as AWS IoT Jobs writes it, such as `IN_PROGRESS`.
    public var description: String {
        switch self {
        case .queued: "QUEUED"
        case .inProgress: "IN_PROGRESS"
        case .succeeded: "SUCCEEDED"
        case .failed: "FAILED"
        case .timedOut: "TIMED_OUT"
        case .rejected: "REJECTED"
        case .removed: "REMOVED"
        case .canceled: "CANCELED"
        }
    }

    /// The status with that AWS name; nothing for any other text.
    public init?(name: String) {
        guard let status = Self.allCases.first(where: { $0.description == name }) else { return nil }
        self = status
    }
}
