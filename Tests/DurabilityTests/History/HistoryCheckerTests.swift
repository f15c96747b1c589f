import ErrandCore
import Testing

/// That the checker itself sees what it is there for: each history here is small enough to be judged by hand.
@Suite(.timeLimit(.minutes(1)))
struct HistoryCheckerTests {
    private static let report = Operation.Call.update(.inProgress, expectedVersion: nil)

    private static func change(
        _ marker: UInt64, _ times: ClosedRange<Int64>, version: Int64?, _ call: Operation.Call = report
    ) -> Operation {
        Operation(
            client: 0, marker: marker, call: call, invokedAt: times.lowerBound,
            returnedAt: version == nil ? .max : times.upperBound,
            outcome: version.map { .changed(version: $0, .inProgress) } ?? .unknown)
    }

    private static func read(_ times: ClosedRange<Int64>, _ version: Int64, _ marker: UInt64?) -> Operation {
        Operation(
            client: 1, marker: 0, call: .describe, invokedAt: times.lowerBound, returnedAt: times.upperBound,
            outcome: .saw(snapshot(version, marker)))
    }

    private static func snapshot(_ version: Int64, _ marker: UInt64?) -> Snapshot {
        Snapshot(version: version, status: version == 1 ? .queued : .inProgress, marker: marker)
    }

    private static func kinds(_ operations: [Operation], final: Int64, _ marker: UInt64?) -> Set<Violation.Kind> {
        let history = ExecutionHistory(name: "e", operations: operations, final: snapshot(final, marker))
        return Set(HistoryChecker.check(history).map(\.kind))
    }

    @Test func whatCanBeOrderedIsFine() {
        let operations = [
            Self.change(10, 0...9, version: 3), Self.change(11, 1...8, version: 2), Self.read(2...7, 1, nil),
            Self.read(5...9, 3, 10), Self.read(3...9, 2, 11), Self.change(12, 4...4, version: nil),
        ]
        #expect(Self.kinds(operations, final: 3, 10).isEmpty)
    }

    @Test func anUnknownChangeMayHaveHappened() {
        let operations = [Self.change(10, 0...0, version: nil), Self.read(50...60, 2, 10)]
        #expect(Self.kinds(operations, final: 2, 10).isEmpty)
    }

    @Test func aReadOfAnOldVersionIsSeen() {
        let operations = [Self.change(10, 0...5, version: 2), Self.read(6...9, 1, nil)]
        #expect(Self.kinds(operations, final: 2, 10) == [.notLinearizable])
    }

    @Test func aReadThatGoesBackIsSeen() {
        let operations = [Self.change(10, 0...20, version: 2), Self.read(1...5, 2, 10), Self.read(6...9, 1, nil)]
        #expect(Self.kinds(operations, final: 2, 10) == [.notLinearizable])
    }

    @Test func changesAgainstTimeAreSeen() {
        let operations = [Self.change(10, 0...5, version: 3), Self.change(11, 6...9, version: 2)]
        #expect(Self.kinds(operations, final: 3, 10) == [.notLinearizable])
    }

    @Test func anEventBeforeItsChangeIsSeen() throws {
        var history = ExecutionHistory(
            name: "e", operations: [Self.change(10, 5...9, version: 2)], final: Self.snapshot(2, 10))
        let details = try Snapshot.details(10)
        let event = JobExecutionEvent(
            revision: 1, atMilliseconds: 0, actor: .device, jobId: try JobId("j"),
            subject: .execution(
                JobExecutionEventState(
                    thingName: try ThingName("t"), executionNumber: 1, versionNumber: 2, retryAttempt: 0, from: .queued,
                    to: .inProgress, forceCanceled: false, statusDetails: details)))
        history.events = [SeenEvent(event, at: 3)]
        #expect(Set(HistoryChecker.check(history).map(\.kind)) == [.notLinearizable, .eventMissing])
    }

    @Test func aLostChangeIsSeen() {
        #expect(Self.kinds([Self.change(10, 0...5, version: 2)], final: 1, nil) == [.lost])
    }

    @Test func aReplacedChangeIsSeen() {
        let operations = [Self.change(10, 0...5, version: 2), Self.change(11, 6...9, version: 2)]
        #expect(Self.kinds(operations, final: 2, 11).contains(.twoTruths))
    }

    @Test func aDoubledChangeIsSeen() {
        let operations = [Self.change(10, 0...5, version: 2), Self.read(6...9, 3, 10)]
        #expect(Self.kinds(operations, final: 3, 10) == [.appliedTwice])
    }

    @Test func aChangeThatNobodySentIsSeen() {
        #expect(Self.kinds([], final: 2, 77) == [.neverSent])
    }

    @Test func aRefusedChangeThatHappenedIsSeen() {
        var refused = Self.change(10, 0...5, version: nil, .update(.inProgress, expectedVersion: 1))
        refused.outcome = .refused(.versionMismatch, Self.snapshot(2, 10))
        refused.returnedAt = 5
        #expect(Self.kinds([refused], final: 2, 10).contains(.appliedThoughRefused))
    }

    @Test func aMismatchThatIsNoneIsSeen() {
        var refused = Self.change(10, 0...5, version: nil, .update(.inProgress, expectedVersion: 1))
        refused.outcome = .refused(.versionMismatch, Self.snapshot(1, nil))
        #expect(Self.kinds([refused], final: 1, nil) == [.impossible])
    }

    @Test func aVersionThatNobodyMadeIsSeen() {
        #expect(Self.kinds([Self.change(10, 0...5, version: 3)], final: 3, 10) == [.gap])
    }

    @Test func revisionsFollowEachOther() {
        func kinds(_ revisions: [UInt64]) -> [Violation.Kind] {
            let events = revisions.map { revision in
                SeenEvent(
                    JobExecutionEvent(
                        revision: revision, atMilliseconds: 0, actor: .service, jobId: JobId(),
                        subject: .jobDeleted(from: .completed)), at: 0)
            }
            return HistoryChecker.check(watch: events).map(\.kind)
        }
        #expect(kinds([4, 5, 6]) == [])
        #expect(kinds([4, 6]) == [.eventMissing])
        #expect(kinds([4, 5, 5]) == [.eventRepeated])
    }
}
