import ErrandCore

/// The table of SPEC §14, cell by cell: what each call makes of an execution in each state.
///
/// The columns are `TransitionTable.columns`. REMOVED is not reachable through this store's calls; `ExecutionRulesTests` has it.
enum TransitionTable {
    enum Operation: Sendable {
        case update(JobExecutionStatus)
        case cancel(force: Bool)
        case startNext
        case describe
        case describeOwn
        case describeNext
    }

    enum ExpectedVersion: Sendable { case absent, current, stale }

    enum Cell: Sendable, Equatable {
        /// A change: this status, version + 1.
        case to(JobExecutionStatus)
        /// Success without a change.
        case seen
        /// Success with nothing in it.
        case empty
        /// Refused; everything but NOT_FOUND carries the state.
        case refused(StatusCode)
    }

    struct Row: Sendable, CustomStringConvertible {
        let operation: Operation
        let expectedVersion: ExpectedVersion
        let cells: [Cell]

        init(_ operation: Operation, _ expectedVersion: ExpectedVersion, _ cells: [Cell]) {
            self.operation = operation
            self.expectedVersion = expectedVersion
            self.cells = cells
        }

        var description: String { "\(operation), expectedVersion \(expectedVersion)" }
    }

    /// `nil`: there is no execution.
    static let columns: [JobExecutionStatus?] = [
        nil, .queued, .inProgress, .succeeded, .failed, .timedOut, .rejected, .canceled,
    ]

    private static let none = Cell.refused(.notFound)
    private static let ver = Cell.refused(.versionMismatch)
    private static let ist = Cell.refused(.invalidStateTransition)
    private static let term = Cell.refused(.terminalState)
    private static let run = Cell.to(.inProgress)
    private static let ok = Cell.to(.succeeded)
    private static let fail = Cell.to(.failed)
    private static let rej = Cell.to(.rejected)
    private static let can = Cell.to(.canceled)

    static let rows: [Row] = [
        // operation, expectedVersion  no execution, QUEUED, IN_PROGRESS, SUCCEEDED, FAILED, TIMED_OUT, REJECTED, CANCELED
        Row(.update(.inProgress), .absent, [none, run, run, ist, ist, ist, ist, ist]),
        Row(.update(.inProgress), .current, [none, run, run, ist, ist, ist, ist, ist]),
        Row(.update(.inProgress), .stale, [none, ver, ver, ver, ver, ver, ver, ver]),
        Row(.update(.succeeded), .absent, [none, ok, ok, ist, ist, ist, ist, ist]),
        Row(.update(.succeeded), .current, [none, ok, ok, ist, ist, ist, ist, ist]),
        Row(.update(.succeeded), .stale, [none, ver, ver, ver, ver, ver, ver, ver]),
        Row(.update(.failed), .absent, [none, fail, fail, ist, ist, ist, ist, ist]),
        Row(.update(.failed), .current, [none, fail, fail, ist, ist, ist, ist, ist]),
        Row(.update(.failed), .stale, [none, ver, ver, ver, ver, ver, ver, ver]),
        Row(.update(.rejected), .absent, [none, rej, rej, ist, ist, ist, ist, ist]),
        Row(.update(.rejected), .current, [none, rej, rej, ist, ist, ist, ist, ist]),
        Row(.update(.rejected), .stale, [none, ver, ver, ver, ver, ver, ver, ver]),
        Row(.cancel(force: false), .absent, [none, can, ist, ist, ist, ist, ist, ist]),
        Row(.cancel(force: false), .current, [none, can, ist, ist, ist, ist, ist, ist]),
        Row(.cancel(force: false), .stale, [none, ver, ver, ver, ver, ver, ver, ver]),
        Row(.cancel(force: true), .absent, [none, can, can, ist, ist, ist, ist, ist]),
        Row(.cancel(force: true), .current, [none, can, can, ist, ist, ist, ist, ist]),
        Row(.cancel(force: true), .stale, [none, ver, ver, ver, ver, ver, ver, ver]),
        Row(.startNext, .absent, [.empty, run, .seen, .empty, .empty, .empty, .empty, .empty]),
        Row(.describe, .absent, [none, .seen, .seen, .seen, .seen, .seen, .seen, .seen]),
        Row(.describeOwn, .absent, [none, .seen, .seen, term, term, term, term, term]),
        Row(.describeNext, .absent, [.empty, .seen, .seen, .empty, .empty, .empty, .empty, .empty]),
    ]
}
