import ErrandCore
import ErrandStore
import Testing

/// For every cell of the table: a fresh store, an execution brought to the state, one call, and a look at what the
/// call said and at what is stored afterwards.
@Suite(.timeLimit(.minutes(1)))
struct TransitionTableTests {
    /// Each operation once for each expectedVersion that it can have, and every state in each row; of what was decided the
    /// list is printed, so that a reader of the log has it.
    @Test func theTableIsWholeAndSaysWhatWasDecided() throws {
        #expect(Set(TransitionTable.rows.map(\.description)).count == TransitionTable.rows.count)
        let versioned =
            JobExecutionStatus.allCases.map { "\(TransitionTable.Operation.update($0))" }
            + [false, true].map { "\(TransitionTable.Operation.cancel(force: $0))" }
        for operation in versioned {
            let rows = TransitionTable.rows.filter { "\($0.operation)" == operation }
            #expect(rows.map { "\($0.expectedVersion)" } == ["absent", "current", "stale"], "\(operation)")
        }
        var decidedCount = 0
        for row in TransitionTable.rows {
            for (columns, decision) in row.decided {
                decidedCount += columns.count
                #expect(columns.allSatisfy { TransitionTable.columns.contains($0) })
                let states = columns.map { $0.map { "\($0)" } ?? "no execution" }.joined(separator: ", ")
                print("decided by \(decision): \(row), from \(states)")
            }
        }
        let cellCount = TransitionTable.rows.reduce(0) { $0 + $1.cells.count }
        print("\(cellCount) cells, \(decidedCount) of them decided here")
    }

    @Test(arguments: StoreUnderTest.allCases, TransitionTable.rows)
    func everyCellHolds(_ subject: StoreUnderTest, _ row: TransitionTable.Row) throws {
        #expect(row.cells.count == TransitionTable.columns.count)
        for (state, cell) in zip(TransitionTable.columns, row.cells) {
            // A stale version may be off in either direction, and 0 never matches.
            let offsets: [Int64] = row.expectedVersion == .stale ? [-1, 1, -1000] : [0]
            for offset in offsets { try check(subject, row, state, cell, versionOffset: offset) }
        }
    }

    private func check(
        _ subject: StoreUnderTest, _ row: TransitionTable.Row, _ state: JobExecutionStatus?,
        _ cell: TransitionTable.Cell, versionOffset: Int64
    ) throws {
        let store = subject.make()
        let before = try bring(store, to: state)
        var expectedVersion: Int64?
        if row.expectedVersion != .absent { expectedVersion = (before?.record.versionNumber ?? 1) + versionOffset }
        let callTime = row.operation.time
        let watch = try store.watch(.execution(try JobId("j"), try ThingName("t")))
        let outcome = try call(store, row.operation, expectedVersion)
        let label: Comment = "\(row), from \(String(describing: state))"
        let after = try store.describe("j", "t", at: callTime).execution
        // A watch ends with the store that it was begun at.
        if subject != .reopenedEachTime {
            try checkEvents(watch.takeAll().events, row, cell, before?.record, after?.record, label)
        }
        switch cell {
        case .to(let status):
            let old = try #require(before?.record, label)
            let record = try #require(after?.record, label)
            #expect(record.status == status, label)
            #expect(record.versionNumber == old.versionNumber + 1, label)
            #expect(record.lastUpdatedAtMilliseconds == callTime, label)
            #expect(record.statusDetails == old.statusDetails, label)
            switch row.operation {
            case .cancel(let force), .cancelJob(let force): #expect(record.forceCanceled == force, label)
            default: #expect(!record.forceCanceled, label)
            }
            if row.operation.isOfJob { return }
            let shown = outcome.change.map { ($0.status, $0.versionNumber, $0.executionNumber) }
            let seen = outcome.execution.map { ($0.record.status, $0.record.versionNumber, $0.record.executionNumber) }
            #expect(try #require(shown ?? seen) == (status, record.versionNumber, 1), label)
        case .seen:
            #expect(outcome.execution?.record == before?.record, label)
            #expect(after?.record == before?.record, label)
        case .kept:
            #expect(after?.record == before?.record, label)
        case .gone:
            #expect(after == nil && before != nil, label)
        case .empty:
            #expect(outcome.isEmpty, label)
            #expect(after?.record == before?.record, label)
        case .refused(let code):
            let refusal = try #require(outcome.refusal, label)
            #expect(refusal.code == code, label)
            let hasState = code != .notFound && code != .invalidRequest
            #expect(refusal.executionState == (hasState ? before?.record.state : nil), label)
            #expect(!refusal.message.isEmpty && refusal.message.utf8.count <= 512, label)
            #expect(after?.record == before?.record, label)
        }
    }

    /// A change is one event, anything else none.
    private func checkEvents(
        _ events: [JobExecutionEvent], _ row: TransitionTable.Row, _ cell: TransitionTable.Cell,
        _ before: ExecutionRecord?, _ after: ExecutionRecord?, _ label: Comment
    ) throws {
        let subject: JobExecutionEvent.Subject
        switch cell {
        case .to:
            let (old, record) = (try #require(before, label), try #require(after, label))
            subject = .execution(
                JobExecutionEventState(
                    thingName: try ThingName("t"), executionNumber: 1, versionNumber: old.versionNumber + 1,
                    retryAttempt: 0, from: old.status, to: record.status, forceCanceled: record.forceCanceled,
                    statusDetails: record.statusDetails))
        case .gone:
            let old = try #require(before, label)
            subject = .executionDeleted(
                thingName: try ThingName("t"), executionNumber: 1, versionNumber: old.versionNumber, retryAttempt: 0,
                from: old.status)
        case .seen, .empty, .kept, .refused:
            #expect(events.isEmpty, label)
            return
        }
        #expect(events.map(\.subject) == [subject], label)
        #expect(events.first?.actor == row.operation.actor && events.first?.jobId.description == "j", label)
        #expect(events.first?.atMilliseconds == row.operation.time, label)
    }

    private func bring(_ store: StoreDriver, to state: JobExecutionStatus?) throws -> StoredExecutionView? {
        guard let state else { return nil }
        try store.create("j", on: ["t", "other"], timeout: state == .timedOut ? 1 : 10, at: 0)
        if state != .queued {
            let details = try StatusDetails("before", "kept")
            try store.update("j", "t", .inProgress, details: details, at: minutes(1))
        }
        switch state {
        case .queued, .inProgress: break
        case .timedOut: break
        case .removed: try store.removeTargets("j", ["t"], at: minutes(2))
        case .canceled: try store.cancel("j", "t", force: true, at: minutes(2))
        default: try store.update("j", "t", state, at: minutes(2))
        }
        let view = try store.execution("j", "t", at: TransitionTable.Operation.describe.time)
        #expect(view.record.status == state)
        return view
    }

    private func call(
        _ store: StoreDriver, _ operation: TransitionTable.Operation, _ expectedVersion: Int64?
    ) throws -> StoreOutcome {
        let time = operation.time
        switch operation {
        case .update(let status):
            // As a server does: what no state can make valid does not come to the store.
            do throws(InvalidField) {
                try ExecutionRules.checkReportable(status)
            } catch {
                return .refused(Refusal(error))
            }
            return try store.update("j", "t", status, expectedVersion: expectedVersion, at: time)
        case .cancel(let force):
            return try store.cancel("j", "t", force: force, expectedVersion: expectedVersion, at: time)
        case .startNext: return try store.startNext("t", at: time)
        case .describe: return try store.describe("j", "t", at: time)
        case .describeOwn:
            let request = DescribeOwnJobExecutionRequest(jobId: try JobId("j"), thingName: try ThingName("t"))
            return store.outcome(of: .describeOwn(request), at: time)
        case .describeNext: return try store.peekNext("t", at: time)
        case .delete(let force): return try store.deleteExecution("j", "t", 1, force: force, at: time)
        case .cancelJob(let force): return try store.cancelJob("j", force: force, at: time)
        case .deleteJob: return try store.deleteJob("j", force: true, at: time)
        case .removeTarget: return try store.removeTargets("j", ["t"], at: time)
        case .timerEnds:
            store.advanceAll(to: time)
            return try store.describe("j", "t", at: time)
        case .abort:
            let criterion = AbortCriterion(
                failureType: .failed, thresholdPercentageHundredths: 1, minNumberOfExecutedThings: 1)
            try store.updateJob("j", abort: [criterion], at: time)
            return try store.update("j", "other", .failed, at: time)
        }
    }
}

extension TransitionTable.Operation {
    fileprivate var actor: JobExecutionEvent.Actor {
        switch self {
        case .update, .startNext, .describe, .describeOwn, .describeNext: .device
        case .cancel, .delete, .cancelJob, .deleteJob, .removeTarget: .fleetOperator
        case .abort, .timerEnds: .service
        }
    }

    /// When it happens: while the timer of an execution IN_PROGRESS runs, or when it ends.
    fileprivate var time: Int64 {
        switch self {
        case .timerEnds: minutes(11)
        default: minutes(3)
        }
    }

    /// Whether its answer is about the job.
    fileprivate var isOfJob: Bool {
        switch self {
        case .cancelJob, .deleteJob, .removeTarget, .abort, .timerEnds: true
        default: false
        }
    }
}
