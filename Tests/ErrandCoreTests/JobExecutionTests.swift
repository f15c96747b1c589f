import ErrandCore
import Testing

@Suite(.timeLimit(.minutes(1)))
struct JobExecutionTests {
    private func execution(version: Int64 = 1) throws -> JobExecution {
        JobExecution(
            jobId: try JobId("job"), thingName: try ThingName("thing"), executionNumber: 1, status: .queued,
            forceCanceled: false, statusDetails: try StatusDetails([(key: "a", value: "1")]),
            queuedAtMilliseconds: 1, startedAtMilliseconds: nil, lastUpdatedAtMilliseconds: 2, versionNumber: version,
            approximateSecondsBeforeTimedOut: nil, retryAttempt: 0, thingArnPrefix: "arn")
    }

    /// Copies share one object until one of them is changed; nobody may notice.
    @Test func aCopyKeepsItsValueWhenTheOtherIsChanged() throws {
        let first = try execution()
        var second = first
        second.versionNumber = 2
        second.statusDetails = StatusDetails()
        second.startedAtMilliseconds = 7
        #expect(first.versionNumber == 1 && first.statusDetails["a"] == "1" && first.startedAtMilliseconds == nil)
        #expect(second.versionNumber == 2 && second.statusDetails.isEmpty && second.startedAtMilliseconds == 7)
        var third = second
        third.thingArnPrefix = "other"
        #expect(second.thingArn == "arn:thing/thing" && third.thingArn == "other:thing/thing")
    }

    @Test func equalityIsThatOfTheFields() throws {
        let first = try execution()
        #expect(try first == execution())
        #expect(try first != execution(version: 2))
        var second = first
        #expect(first == second)
        second.jobDocument = "{}"
        #expect(first != second)
    }
}
