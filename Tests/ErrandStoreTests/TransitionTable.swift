import ErrandCore

/// The table of SPEC §14, cell by cell: what each call makes of an execution in each state.
///
/// The columns are `TransitionTable.columns`. The job has a second thing that stays QUEUED, so it is open.
enum TransitionTable {
    enum Operation: Sendable {
        case update(JobExecutionStatus)
        case cancel(force: Bool)
        case startNext
        case describe
        case describeOwn
        case describeNext
        case delete(force: Bool)
        case cancelJob(force: Bool)
        case deleteJob
        case removeTarget
        /// Too many others fail.
        case abort
        /// The time of the in-progress timer comes.
        case timerEnds
    }

    enum ExpectedVersion: Sendable { case absent, current, stale }

    enum Cell: Sendable, Equatable {
        /// A change: this status, version + 1.
        case to(JobExecutionStatus)
        /// Success without a change.
        case seen
        /// Success with nothing in it.
        case empty
        /// Nothing happens to the execution, whatever the job says.
        case kept
        /// There is no execution afterwards.
        case gone
        /// Refused; everything but NOT_FOUND carries the state.
        case refused(StatusCode)
    }

    struct Row: Sendable, CustomStringConvertible {
        let operation: Operation
        let expectedVersion: ExpectedVersion
        let cells: [Cell]
        /// The cells that AWS leaves open and SEMANTICS 1.25 and 1.26 decide: which columns, and the decision.
        let decided: [(columns: [JobExecutionStatus?], decision: String)]

        init(
            _ operation: Operation, _ expectedVersion: ExpectedVersion, _ cells: [Cell],
            decided: (columns: [JobExecutionStatus?], decision: String)...
        ) {
            self.operation = operation
            self.expectedVersion = expectedVersion
            self.cells = cells
            self.decided = decided
        }

        var description: String { "\(operation), expectedVersion \(expectedVersion)" }
    }

    /// `nil`: there is no execution.
    static let columns: [JobExecutionStatus?] = [
        nil, .queued, .inProgress, .succeeded, .failed, .timedOut, .rejected, .canceled,
        .removed,
    ]

    private static let ended = columns.filter { $0?.isTerminal == true }
    private static let inv = Cell.refused(.invalidRequest)
    private static let none = Cell.refused(.notFound)
    private static let ver = Cell.refused(.versionMismatch)
    private static let ist = Cell.refused(.invalidStateTransition)
    private static let term = Cell.refused(.terminalState)
    private static let run = Cell.to(.inProgress)
    private static let ok = Cell.to(.succeeded)
    private static let fail = Cell.to(.failed)
    private static let rej = Cell.to(.rejected)
    private static let can = Cell.to(.canceled)
    private static let rem = Cell.to(.removed)

    static let rows: [Row] =
        [
            // operation, expectedVersion  no execution, QUEUED, IN_PROGRESS, SUCCEEDED, FAILED, TIMED_OUT, REJECTED, CANCELED, REMOVED
            Row(.update(.inProgress), .absent, [none, run, run, ist, ist, ist, ist, ist, ist]),
            Row(.update(.inProgress), .current, [none, run, run, ist, ist, ist, ist, ist, ist]),
            Row(.update(.inProgress), .stale, [none, ver, ver, ver, ver, ver, ver, ver, ver], decided: (ended, "D1")),
            Row(
                .update(.succeeded), .absent, [none, ok, ok, ist, ist, ist, ist, ist, ist],
                decided: ([.queued], "D4, D5")),
            Row(
                .update(.succeeded), .current, [none, ok, ok, ist, ist, ist, ist, ist, ist],
                decided: ([.queued], "D4, D5")),
            Row(.update(.succeeded), .stale, [none, ver, ver, ver, ver, ver, ver, ver, ver], decided: (ended, "D1")),
            Row(
                .update(.failed), .absent, [none, fail, fail, ist, ist, ist, ist, ist, ist],
                decided: ([.queued], "D4, D5")),
            Row(
                .update(.failed), .current, [none, fail, fail, ist, ist, ist, ist, ist, ist],
                decided: ([.queued], "D4, D5")),
            Row(.update(.failed), .stale, [none, ver, ver, ver, ver, ver, ver, ver, ver], decided: (ended, "D1")),
            Row(.update(.rejected), .absent, [none, rej, rej, ist, ist, ist, ist, ist, ist]),
            Row(.update(.rejected), .current, [none, rej, rej, ist, ist, ist, ist, ist, ist]),
            Row(.update(.rejected), .stale, [none, ver, ver, ver, ver, ver, ver, ver, ver], decided: (ended, "D1")),
            Row(.cancel(force: false), .absent, [none, can, ist, ist, ist, ist, ist, ist, ist]),
            Row(.cancel(force: false), .current, [none, can, ist, ist, ist, ist, ist, ist, ist]),
            Row(.cancel(force: false), .stale, [none, ver, ver, ver, ver, ver, ver, ver, ver], decided: (ended, "D1")),
            Row(
                .cancel(force: true), .absent, [none, can, can, ist, ist, ist, ist, ist, ist],
                decided: ([.queued], "D7")),
            Row(
                .cancel(force: true), .current, [none, can, can, ist, ist, ist, ist, ist, ist],
                decided: ([.queued], "D7")),
            Row(.cancel(force: true), .stale, [none, ver, ver, ver, ver, ver, ver, ver, ver], decided: (ended, "D1")),
            Row(
                .startNext, .absent, [.empty, run, .seen, .empty, .empty, .empty, .empty, .empty, .empty],
                decided: ([.inProgress], "D9")),
            Row(.describe, .absent, [none, .seen, .seen, .seen, .seen, .seen, .seen, .seen, .seen]),
            Row(
                .describeOwn, .absent, [none, .seen, .seen, term, term, term, term, term, term], decided: (ended, "D6")),
            Row(.describeNext, .absent, [.empty, .seen, .seen, .empty, .empty, .empty, .empty, .empty, .empty]),
            Row(
                .delete(force: false), .absent, [none, .gone, ist, .gone, .gone, .gone, .gone, .gone, .gone],
                decided: ([.queued], "D10")),
            Row(
                .delete(force: true), .absent, [none, .gone, .gone, .gone, .gone, .gone, .gone, .gone, .gone],
                decided: ([.queued], "D10")),
            Row(.cancelJob(force: false), .absent, [.kept, can, .kept, .kept, .kept, .kept, .kept, .kept, .kept]),
            Row(.cancelJob(force: true), .absent, [.kept, can, can, .kept, .kept, .kept, .kept, .kept, .kept]),
            Row(.deleteJob, .absent, [.kept, .gone, .gone, .gone, .gone, .gone, .gone, .gone, .gone]),
            Row(
                .removeTarget, .absent, [.kept, rem, rem, .kept, .kept, .kept, .kept, .kept, .kept],
                decided: ([.queued], "D31"), ([.inProgress], "D8, D31")),
            Row(.abort, .absent, [.kept, can, .kept, .kept, .kept, .kept, .kept, .kept, .kept]),
            Row(
                .timerEnds, .absent,
                [.kept, .kept, .to(.timedOut), .kept, .kept, .kept, .kept, .kept, .kept],
                decided: ([.inProgress], "D16")),
        ] + statusesOfTheService

    /// What no device may report is refused before anything is looked at, whatever the state and the version.
    private static let statusesOfTheService: [Row] = [JobExecutionStatus.queued, .timedOut, .removed, .canceled]
        .flatMap { status in
            [ExpectedVersion.absent, .current, .stale].map { version in
                Row(.update(status), version, columns.map { _ in inv }, decided: (columns, "D3"))
            }
        }
}
