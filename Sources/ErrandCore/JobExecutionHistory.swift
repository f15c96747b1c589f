/// One thing that happened to an execution (SPEC §8.7).
public struct JobExecutionHistoryEntry: Sendable, Equatable {
    /// Who brought a change about (SPEC §8.7).
    public enum Actor: UInt8, Sendable, Hashable, CustomStringConvertible {
        case device = 1
        case fleetOperator = 2
        case service = 3

        public var description: String {
            switch self {
            case .device: "device"
            case .fleetOperator: "operator"
            case .service: "service"
            }
        }
    }

    public enum Kind: UInt8, Sendable, Hashable {
        /// The execution was queued, reported on or ended.
        case change = 1
        /// A report that came after the end, and changed nothing.
        case refusedReport = 2
    }

    public var kind: Kind
    public var actor: Actor
    public var atMilliseconds: Int64
    /// Absent for the birth of the execution.
    public var fromStatus: JobExecutionStatus?
    /// What it became, or what the refused report wanted.
    public var toStatus: JobExecutionStatus
    /// After the change; of a refused report, the version it met.
    public var versionNumber: Int64
    public var statusDetails: StatusDetails

    package init(
        kind: Kind, actor: Actor, atMilliseconds: Int64, fromStatus: JobExecutionStatus?,
        toStatus: JobExecutionStatus, versionNumber: Int64, statusDetails: StatusDetails
    ) {
        self.kind = kind
        self.actor = actor
        self.atMilliseconds = atMilliseconds
        self.fromStatus = fromStatus
        self.toStatus = toStatus
        self.versionNumber = versionNumber
        self.statusDetails = statusDetails
    }
}

/// A page of an execution's history (SPEC §9.22).
public struct JobExecutionHistoryPage: Sendable, Equatable {
    public var entries: [JobExecutionHistoryEntry]
    /// How many entries in the middle were dropped because the history is bounded.
    public var droppedCount: UInt32
    public var nextToken: [UInt8]?

    package init(entries: [JobExecutionHistoryEntry], droppedCount: UInt32, nextToken: [UInt8]?) {
        self.entries = entries
        self.droppedCount = droppedCount
        self.nextToken = nextToken
    }
}
