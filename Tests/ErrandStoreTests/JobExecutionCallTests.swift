import ErrandCore
import ErrandStore
import Testing

/// What single calls store and show besides the status: details, times, documents, refusals.
@Suite(.timeLimit(.minutes(1)))
struct JobExecutionCallTests {
    @Test(arguments: StoreUnderTest.allCases)
    func newExecutionIsQueuedWithVersionOne(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["t"], at: 5)
        let view = try store.execution("j", "t", at: 6)
        #expect(view.record == ExecutionRecord(executionNumber: 1, queuedAtMilliseconds: 5))
        #expect(view.jobId == "j" && view.thingName == "t")
        #expect(view.jobDocument == nil)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func detailsAreKeptReplacedClearedOrMerged(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["t"])
        func details() throws -> [String: String] {
            try store.execution("j", "t", at: 1).record.statusDetails.dictionary
        }
        try store.update("j", "t", .inProgress, details: try StatusDetails("a", "1"), at: 0)
        try store.update("j", "t", .inProgress, at: 0)
        #expect(try details() == ["a": "1"])
        try store.update("j", "t", .inProgress, details: try StatusDetails("b", "2"), at: 0)
        #expect(try details() == ["b": "2"])
        let merged = try StatusDetails([(key: "b", value: "3"), (key: "c", value: "4")])
        try store.update("j", "t", .inProgress, details: merged, merge: true, at: 0)
        #expect(try details() == ["b": "3", "c": "4"])
        try store.update("j", "t", .inProgress, details: StatusDetails(), merge: true, at: 0)
        #expect(try details() == ["b": "3", "c": "4"])
        try store.update("j", "t", .inProgress, details: StatusDetails(), at: 0)
        #expect(try details() == [:])
        #expect(try store.execution("j", "t", at: 1).record.versionNumber == 7)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func mergeBeyondTenPairsIsRefusedAndChangesNothing(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["t"])
        let ten = try StatusDetails((0..<10).map { (key: "k\($0)", value: "v") })
        try store.update("j", "t", .inProgress, details: ten, at: 0)
        let eleventh = try StatusDetails("k10", "v")
        let refusal = try store.update("j", "t", .succeeded, details: eleventh, merge: true, at: 0).refusal
        #expect(refusal?.code == .invalidRequest)
        let record = try store.execution("j", "t", at: 0).record
        #expect(record.status == .inProgress && record.versionNumber == 2 && record.statusDetails == ten)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func cancelReplacesDetailsOnlyIfGiven(_ subject: StoreUnderTest) throws {
        for given in [nil, try StatusDetails("why", "recall")] {
            let store = subject.make()
            try store.create("j", on: ["t"])
            try store.update("j", "t", .inProgress, details: try StatusDetails("a", "1"), at: 0)
            try store.cancel("j", "t", force: true, details: given, at: 0)
            let expected = try given ?? StatusDetails("a", "1")
            #expect(try store.execution("j", "t", at: 0).record.statusDetails == expected)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func refusedCancelLeavesForceCanceledAlone(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["t"])
        try store.update("j", "t", .inProgress, at: 0)
        try store.cancel("j", "t", at: 0)
        try store.cancel("j", "t", force: true, expectedVersion: 9, at: 0)
        #expect(try !store.execution("j", "t", at: 0).record.forceCanceled)
    }

    @Test(arguments: StoreUnderTest.allCases, [JobExecutionStatus.inProgress, .succeeded, .failed, .rejected])
    func startedAtIsSetByTheFirstReportAndStays(_ subject: StoreUnderTest, _ status: JobExecutionStatus) throws {
        let store = subject.make()
        try store.create("j", on: ["t"], at: 1)
        try store.update("j", "t", status, at: 7)
        try store.update("j", "t", .inProgress, at: 9)
        #expect(try store.execution("j", "t", at: 9).record.startedAtMilliseconds == 7)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func cancelFromQueuedLeavesStartedAtAbsent(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["t"], at: 1)
        try store.cancel("j", "t", at: 7)
        #expect(try store.execution("j", "t", at: 9).record.startedAtMilliseconds == nil)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func timesNeverDecreaseWhenTheClockGoesBack(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["t"], at: 100)
        try store.update("j", "t", .inProgress, at: 50)
        let record = try store.execution("j", "t", at: 40).record
        #expect(record.startedAtMilliseconds == 100 && record.lastUpdatedAtMilliseconds == 100)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func replyCarriesStateAndDocumentOnlyIfAskedFor(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["t"], document: #"{"do":"it"}"#)
        let bare = try store.update("j", "t", .inProgress, at: 0)
        #expect(bare.change?.statusDetails == nil && bare.document == nil)
        let full = try store.update(
            "j", "t", .inProgress, details: try StatusDetails("a", "1"), includeState: true, includeDocument: true,
            at: 0)
        #expect(full.change?.statusDetails?.dictionary == ["a": "1"])
        #expect(full.document == JobDocument(#"{"do":"it"}"#))
        #expect(try store.peekNext("t", document: false, at: 0).execution?.jobDocument == nil)
        #expect(try store.peekNext("t", at: 0).execution?.jobDocument == JobDocument(#"{"do":"it"}"#))
        #expect(try store.startNext("t", at: 0).execution?.jobDocument == JobDocument(#"{"do":"it"}"#))
    }

    @Test(arguments: StoreUnderTest.allCases)
    func notFoundSaysWhatIsMissing(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["t"])
        let cases: [(String, String, Int64?, String)] = [
            ("j", "other", nil, "thing other"), ("k", "t", nil, "job k"), ("j", "t", 2, "executionNumber 2"),
            ("k", "t", 1, "job k"), ("j", "t", .max, "executionNumber \(Int64.max)"),
        ]
        for (job, thing, number, part) in cases {
            let refusal = try #require(try store.describe(job, thing, number: number, at: 0).refusal)
            #expect(refusal.code == .notFound && refusal.executionState == nil)
            #expect(refusal.message.contains(part))
        }
        #expect(try store.describe("j", "t", number: 1, at: 0).execution != nil)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func commandsOfABatchAreDecidedInOrder(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["t"])
        let update = UpdateJobExecutionRequest(
            jobId: try JobId("j"), thingName: try ThingName("t"), status: .inProgress)
        let describe = DescribeJobExecutionRequest(jobId: try JobId("j"), thingName: try ThingName("t"))
        let outcomes = store.outcomes(at: 0) { batch in
            batch.add(describe)
            batch.commands += [.update(update), .update(update)]
            batch.add(describe)
        }
        #expect(outcomes[0].execution?.record.versionNumber == 1)
        #expect(outcomes[1].change?.versionNumber == 2)
        #expect(outcomes[2].change?.versionNumber == 3)
        #expect(outcomes[3].execution?.record.versionNumber == 3)
    }
}
