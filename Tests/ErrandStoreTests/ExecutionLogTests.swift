import ErrandCore
import Testing

@testable import ErrandStore

/// Bytes of a log are believed only if a log could have written them: what is dropped later is found by its counts.
@Suite(.timeLimit(.minutes(1)))
struct ExecutionLogTests {
    private static func event(_ kind: JobExecutionHistoryEntry.Kind) -> ExecutionLog.Event {
        ExecutionLog.Event(kind: kind, actor: .device, at: 1, from: .failed, to: .failed, version: 2)
    }

    private static func stored(_ kinds: [JobExecutionHistoryEntry.Kind]) -> ContiguousArray<UInt8> {
        var log = ExecutionLog()
        for kind in kinds { log.append(event(kind), details: StatusDetails(), queuedAt: 0) }
        return log.stored
    }

    @Test func aChangeBehindARefusedReportIsRefused() {
        #expect(ExecutionLog(stored: Self.stored([.change, .refusedReport]).span.bytes) != nil)
        #expect(ExecutionLog(stored: Self.stored([.refusedReport, .change]).span.bytes) == nil)
    }

    @Test func onlyTheByteOfAChangeIsTheNewestChange() throws {
        for stored in UInt8.min ... .max {
            let actor = JobExecutionHistoryEntry.Actor(rawValue: stored & 0xF)
            let from = JobExecutionStatus(rawValue: stored >> 4)
            let isRight = stored == 0 || (actor != nil && [.queued, .inProgress].contains(from))
            #expect((ExecutionLog.NewestChange(stored: stored) != nil) == isRight, "\(stored)")
        }
    }

    /// A row in which the newest change is both beside the log and in it, as only damage can make it.
    @Test(arguments: [false, true])
    func aRowWithAChangeAfterTheEndIsRefused(hasRefusedReport: Bool) {
        var slot = ExecutionSlot(
            record: ExecutionRecord(executionNumber: 1, queuedAtMilliseconds: 0), job: .vacant, thing: 0,
            previousOfThing: ExecutionSlot.none, sequence: 1, jobPosition: 0)
        slot.newestChange = ExecutionLog.NewestChange(by: .device, from: .inProgress)
        slot.log.append(Self.event(hasRefusedReport ? .refusedReport : .change), details: StatusDetails(), queuedAt: 0)
        var buffer = JournalBuffer()
        ExecutionRowBody.append(slot, to: &buffer)
        let body = try? ExecutionRowBody(buffer.span, place: .row("executions", 1))
        #expect((body == nil) == hasRefusedReport)
    }

    /// A record of a refused report says that the execution had ended.
    @Test(arguments: [JobExecutionStatus.inProgress, .failed])
    func aRefusedReportBeforeTheEndIsRefused(from: JobExecutionStatus) {
        var event = Self.event(.refusedReport)
        event.from = from
        var buffer = JournalBuffer()
        RefusedReport(position: 0, event: event, details: StatusDetails()).append(to: &buffer)
        var reader = RecordReader(buffer.span, place: .row("journal", 1))
        let refused = try? RefusedReport(from: &reader)
        #expect((refused != nil) == from.isTerminal)
    }
}
