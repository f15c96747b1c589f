import ErrandCore
import ErrandStore
import Testing

/// SPEC §14 `SEM-7`: the order of a thing's queue, its head, and its pages.
@Suite(.timeLimit(.minutes(1)))
struct PendingListTests {
    @Test(arguments: StoreUnderTest.allCases)
    func startedOnesComeFirstThenByQueuedAtThenInOrderQueued(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("late", on: ["t"], at: 20)
        // The clock went back: queuedAt counts, and among equals the order queued.
        for id in ["a", "b", "c", "d"] { try store.create(id, on: ["t"], at: 10) }
        #expect(try names(store.pending("t", at: 30)) == ["a", "b", "c", "d", "late"])
        try store.update("late", "t", .inProgress, at: 30)
        try store.update("c", "t", .inProgress, at: 31)
        let pending = try #require(try store.pending("t", at: 32).pending)
        #expect(pending.inProgressJobs.map(\.jobId.description) == ["c", "late"])
        #expect(pending.queuedJobs.map(\.jobId.description) == ["a", "b", "d"])
        #expect(pending.totalCount == 5 && pending.nextToken == nil)
        try store.update("c", "t", .succeeded, at: 33)
        #expect(try names(store.pending("t", at: 34)) == ["late", "a", "b", "d"])
    }

    @Test(arguments: StoreUnderTest.allCases)
    func headIsTheSameForPeekAndStart(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        for id in ["a", "b"] { try store.create(id, on: ["t"], at: 1) }
        #expect(try store.peekNext("t", at: 2).execution?.jobId.description == "a")
        #expect(try store.peekNext("t", at: 2).execution?.record.status == .queued)
        try store.update("b", "t", .inProgress, at: 3)
        #expect(try store.peekNext("t", at: 4).execution?.jobId.description == "b")
        #expect(try store.startNext("t", at: 5).execution?.jobId.description == "b")
    }

    @Test(arguments: StoreUnderTest.allCases)
    func startNextDeliversTheStartedOneAgainUnchanged(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        for id in ["a", "b"] { try store.create(id, on: ["t"], at: 1) }
        let details = try StatusDetails("step", "1")
        let first = try #require(try store.startNext("t", details: details, step: 5, at: 2).execution)
        #expect(first.record.status == .inProgress && first.record.versionNumber == 2)
        #expect(first.record.statusDetails == details && first.record.startedAtMilliseconds == 2)
        let other = try StatusDetails("step", "2")
        let again = try #require(try store.startNext("t", details: other, step: 9, at: 3).execution)
        #expect(again.record == first.record && again.jobDocument == first.jobDocument)
        try store.update("a", "t", .succeeded, at: 4)
        #expect(try store.startNext("t", at: 5).execution?.jobId.description == "b")
        try store.update("b", "t", .succeeded, at: 6)
        #expect(try store.startNext("t", at: 7).isEmpty)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func unknownThingHasNothingPending(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        #expect(try store.startNext("t", at: 0).isEmpty)
        #expect(try store.peekNext("t", at: 0).isEmpty)
        let pending = try #require(try store.pending("t", at: 0).pending)
        #expect(pending.totalCount == 0 && pending.all.isEmpty && pending.nextToken == nil)
    }

    @Test(arguments: StoreUnderTest.allCases, [1, 2, 3, 7, 10, 24, 25, 26, 250] as [UInt32])
    func pagesGiveTheWholeListOnce(_ subject: StoreUnderTest, _ pageCount: UInt32) throws {
        let store = subject.make()
        let ids = (0..<25).map { "j\($0)" }
        for id in ids { try store.create(id, on: ["t"], at: 1) }
        try store.update("j20", "t", .inProgress, at: 2)
        try store.update("j3", "t", .inProgress, at: 2)
        let expected = ["j3", "j20"] + ids.filter { $0 != "j3" && $0 != "j20" }
        #expect(try pages(store, pageCount) == expected)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func defaultPageHasTen(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        for index in 0..<12 { try store.create("j\(index)", on: ["t"]) }
        let pending = try #require(try store.pending("t", at: 0).pending)
        #expect(pending.all.count == 10 && pending.totalCount == 12 && pending.nextToken != nil)
    }

    /// Between pages some executions start, which moves them to the front, some end, and new ones are queued.
    @Test(arguments: StoreUnderTest.allCases)
    func pagesNeitherSkipNorRepeatWhileTheQueueChanges(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        for index in 0..<30 { try store.create("j\(index)", on: ["t"], at: 1) }
        try store.update("j7", "t", .inProgress, at: 1)
        var seen: [String] = []
        var token: [UInt8]?
        var round = 0
        repeat {
            let page = try #require(try store.pending("t", max: 4, token: token, at: 1).pending)
            seen += page.all.map(\.jobId.description)
            token = page.nextToken
            round += 1
            // Same millisecond on purpose: order must not depend on the clock's grain.
            try store.update("j\((round * 11) % 30)", "t", .inProgress, at: 1)
            try store.create("new\(round)", on: ["t"], at: 1)
        } while token != nil && round < 100
        let old = seen.filter { !$0.hasPrefix("new") }
        #expect(Set(seen).count == seen.count)
        #expect(Set(old) == Set((0..<30).map { "j\($0)" }))
    }

    private func names(_ outcome: StoreOutcome) throws -> [String] {
        try #require(outcome.pending).all.map(\.jobId.description)
    }

    private func pages(_ store: StoreDriver, _ pageCount: UInt32) throws -> [String] {
        var seen: [String] = []
        var token: [UInt8]?
        repeat {
            let page = try #require(try store.pending("t", max: pageCount, token: token, at: 9).pending)
            #expect(page.all.count <= Int(pageCount) && page.totalCount == 25)
            seen += page.all.map(\.jobId.description)
            token = page.nextToken
        } while token != nil && seen.count <= 100
        return seen
    }
}
