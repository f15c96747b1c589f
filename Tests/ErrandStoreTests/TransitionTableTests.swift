import ErrandCore
import ErrandStore
import Testing

/// For every cell of the table: a fresh store, an execution brought to the state, one call, and a look at what the
/// call said and at what is stored afterwards.
@Suite(.timeLimit(.minutes(1)))
struct TransitionTableTests {
    private static let details = ["before": "kept"]
    private static let callTime = minutes(3)

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
        let outcome = try call(store, row.operation, expectedVersion)
        let label: Comment = "\(row), from \(String(describing: state))"
        let after = try store.describe("j", "t", at: Self.callTime).execution
        switch cell {
        case .to(let status):
            let old = try #require(before?.record, label)
            let record = try #require(after?.record, label)
            #expect(record.status == status, label)
            #expect(record.versionNumber == old.versionNumber + 1, label)
            #expect(record.lastUpdatedAtMilliseconds == Self.callTime, label)
            #expect(record.statusDetails == old.statusDetails, label)
            if case .cancel(let force) = row.operation { #expect(record.forceCanceled == force, label) }
            let shown = outcome.change.map { ($0.status, $0.versionNumber, $0.executionNumber) }
            let seen = outcome.execution.map { ($0.record.status, $0.record.versionNumber, $0.record.executionNumber) }
            #expect(try #require(shown ?? seen) == (status, record.versionNumber, 1), label)
        case .seen:
            #expect(outcome.execution?.record == before?.record, label)
            #expect(after?.record == before?.record, label)
        case .empty:
            #expect(outcome.isEmpty, label)
            #expect(after?.record == before?.record, label)
        case .refused(let code):
            let refusal = try #require(outcome.refusal, label)
            #expect(refusal.code == code, label)
            #expect(refusal.executionState == (code == .notFound ? nil : before?.record.state), label)
            #expect(!refusal.message.isEmpty && refusal.message.utf8.count <= 512, label)
            #expect(after?.record == before?.record, label)
        }
    }

    private func bring(_ store: StoreDriver, to state: JobExecutionStatus?) throws -> StoredExecutionView? {
        guard let state else { return nil }
        try store.create("j", on: ["t"], timeout: state == .timedOut ? 1 : 10, at: 0)
        if state != .queued {
            let details = try StatusDetails("before", "kept")
            try store.update("j", "t", .inProgress, details: details, at: minutes(1))
        }
        switch state {
        case .queued, .inProgress: break
        case .timedOut: break
        case .canceled: try store.cancel("j", "t", force: true, at: minutes(2))
        default: try store.update("j", "t", state, at: minutes(2))
        }
        let view = try store.execution("j", "t", at: Self.callTime)
        #expect(view.record.status == state)
        return view
    }

    private func call(
        _ store: StoreDriver, _ operation: TransitionTable.Operation, _ expectedVersion: Int64?
    ) throws -> StoreOutcome {
        switch operation {
        case .update(let status):
            return try store.update("j", "t", status, expectedVersion: expectedVersion, at: Self.callTime)
        case .cancel(let force):
            return try store.cancel("j", "t", force: force, expectedVersion: expectedVersion, at: Self.callTime)
        case .startNext: return try store.startNext("t", at: Self.callTime)
        case .describe: return try store.describe("j", "t", at: Self.callTime)
        case .describeOwn:
            let request = DescribeOwnJobExecutionRequest(jobId: try JobId("j"), thingName: try ThingName("t"))
            return store.outcome(of: .describeOwn(request), at: Self.callTime)
        case .describeNext: return try store.peekNext("t", at: Self.callTime)
        }
    }
}
