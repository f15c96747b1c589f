import ErrandCore
import Testing

/// The rules without a store: the cells of SPEC §14 that a store cannot reach, the timers at their corners, and
/// arithmetic at its ends. The whole table is in ErrandStoreTests.
@Suite(.timeLimit(.minutes(1)))
struct ExecutionRulesTests {
    private let rules = ExecutionRules()

    @Test(arguments: JobExecutionStatus.allCases.filter(\.isTerminal))
    func nothingLeavesATerminalStatus(_ status: JobExecutionStatus) throws {
        var record = ExecutionRecord(executionNumber: 1, queuedAtMilliseconds: 0)
        record.status = status
        for reported in [JobExecutionStatus.inProgress, .succeeded, .failed, .rejected] {
            let decision = rules.update(record, try update(reported), inProgressTimeoutInMinutes: nil, at: 1)
            #expect(refusal(decision)?.code == .invalidStateTransition)
            #expect(refusal(decision)?.executionState == record.state)
        }
        for force in [false, true] {
            let request = CancelJobExecutionRequest(
                jobId: try JobId("j"), thingName: try ThingName("t"), force: force)
            #expect(refusal(rules.cancel(record, request, at: 1))?.code == .invalidStateTransition)
        }
        let start = StartNextPendingJobExecutionRequest(thingName: try ThingName("t"))
        #expect(rules.start(record, start, inProgressTimeoutInMinutes: nil, at: 1) == .unchanged)
        #expect(rules.expire(record, at: .max) == nil)
    }

    @Test(arguments: [JobExecutionStatus.queued, .timedOut, .removed, .canceled])
    func statusOfTheServiceIsAnInvalidField(_ status: JobExecutionStatus) throws {
        let request = try update(status)
        #expect(throws: InvalidField.self) { try request.validate() }
    }

    @Test(arguments: [JobExecutionStatus.inProgress, .succeeded, .failed, .rejected])
    func statusOfADeviceIsAccepted(_ status: JobExecutionStatus) throws {
        try update(status).validate()
    }

    @Test(arguments: [Int64.min, -1, 0, 2, .max])
    func everyOtherVersionIsAMismatch(_ version: Int64) throws {
        let record = ExecutionRecord(executionNumber: 1, queuedAtMilliseconds: 0)
        var request = try update(.succeeded)
        request.expectedVersion = version
        let decision = rules.update(record, request, inProgressTimeoutInMinutes: nil, at: 1)
        #expect(refusal(decision)?.code == .versionMismatch)
        #expect(refusal(decision)?.executionState == record.state)
    }

    @Test func versionMismatchBeatsInvalidTransition() throws {
        var record = ExecutionRecord(executionNumber: 1, queuedAtMilliseconds: 0)
        record.status = .succeeded
        var request = try update(.succeeded)
        request.expectedVersion = 9
        #expect(
            refusal(rules.update(record, request, inProgressTimeoutInMinutes: nil, at: 1))?.code == .versionMismatch)
    }

    @Test(arguments: [(nil, nil, nil), (5, nil, 5), (nil, 3, 3), (5, 3, 3), (3, 5, 3)] as [(Int64?, Int64?, Int64?)])
    func earlierOfTheTwoTimersCounts(_ inProgress: Int64?, _ step: Int64?, _ expected: Int64?) throws {
        let record = try started(inProgress: inProgress, step: step, rules, at: 1000)
        #expect(record.deadlineMilliseconds == expected.map { 1000 + $0 * 60_000 })
    }

    @Test func timerFiresAtItsDeadlineAndNotBefore() throws {
        let record = try started(inProgress: 1, step: nil, rules, at: 0)
        #expect(rules.expire(record, at: 59_999) == nil)
        let expired = try #require(rules.expire(record, at: 60_000))
        #expect(expired.status == .timedOut && expired.versionNumber == record.versionNumber + 1)
        #expect(expired.deadlineMilliseconds == nil)
        #expect(expired.approximateSecondsBeforeTimedOut(at: 60_000) == nil)
    }

    @Test(arguments: [1, 60_000, Int64.max / 10_080, Int64.max / 2, .max])
    func noMinuteLengthOverflows(_ minuteLength: Int64) throws {
        let rules = ExecutionRules(minuteLengthMilliseconds: minuteLength)
        for now in [0, 1_800_000_000_000, Int64.max - 1] {
            let record = try started(inProgress: 10_080, step: 10_080, rules, at: now)
            let deadline = try #require(record.deadlineMilliseconds)
            #expect(deadline > now || now == Int64.max - 1)
            for clock in [Int64.min, 0, now, .max] { _ = record.approximateSecondsBeforeTimedOut(at: clock) }
        }
    }

    @Test(arguments: [(0, 2), (1, 2), (999, 2), (1000, 1), (1999, 1), (2000, 0), (5000, 0)] as [(Int64, UInt32)])
    func remainingSecondsAreRoundedUp(_ now: Int64, _ seconds: UInt32) throws {
        let rules = ExecutionRules(minuteLengthMilliseconds: 2000)
        let record = try started(inProgress: 1, step: nil, rules, at: 0)
        #expect(record.approximateSecondsBeforeTimedOut(at: now) == seconds)
    }

    private func update(_ status: JobExecutionStatus) throws -> UpdateJobExecutionRequest {
        UpdateJobExecutionRequest(jobId: try JobId("j"), thingName: try ThingName("t"), status: status)
    }

    private func started(
        inProgress: Int64?, step: Int64?, _ rules: ExecutionRules, at now: Int64
    ) throws -> ExecutionRecord {
        let queued = ExecutionRecord(executionNumber: 1, queuedAtMilliseconds: 0)
        let request = StartNextPendingJobExecutionRequest(thingName: try ThingName("t"), stepTimeoutInMinutes: step)
        let decision = rules.start(queued, request, inProgressTimeoutInMinutes: inProgress, at: now)
        guard case .changed(let record) = decision else { throw StatusCode.unknown }
        return record
    }

    private func refusal(_ decision: ExecutionRules.Decision) -> Refusal? {
        if case .refused(let refusal) = decision { refusal } else { nil }
    }
}
