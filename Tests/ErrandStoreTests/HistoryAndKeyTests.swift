import ErrandCore
import ErrandStore
import Testing

/// What an execution remembers: its history, and the calls with an idempotency key.
@Suite(.timeLimit(.minutes(1)))
struct HistoryAndKeyTests {
    @Test(arguments: StoreUnderTest.allCases)
    func d27AndD41LateReportsAreInTheHistoryAndChangeNothing(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let details = try StatusDetails("k", "v")
        try store.create("j", on: ["a"], timeout: 1)
        try store.update("j", "a", .inProgress, at: 5)
        try store.update("j", "a", .succeeded, details: details, at: 5 + minutes(1))
        try store.update("j", "a", .failed, expectedVersion: 1, at: 6 + minutes(1))
        let entries = try store.history("j", "a", at: 9 + minutes(1)).entries
        #expect(entries.map(\.toStatus) == [.queued, .inProgress, .timedOut, .succeeded])
        #expect(entries.map(\.actor) == [.service, .device, .service, .device])
        #expect(entries.map(\.versionNumber) == [1, 2, 3, 3])
        #expect(entries.map(\.kind) == [.change, .change, .change, .refusedReport])
        #expect(entries.map(\.fromStatus) == [nil, .queued, .inProgress, .timedOut])
        #expect(entries.last?.statusDetails == details && entries.last?.atMilliseconds == 5 + minutes(1))
        #expect(try store.execution("j", "a", at: minutes(2)).record.versionNumber == 3)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func historyIsBoundedAndPagedAndKeepsBothEnds(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["a"])
        for time in 1...100 as ClosedRange<Int64> { try store.update("j", "a", .inProgress, at: time) }
        try store.update("j", "a", .succeeded, at: 101)
        for time in 102...200 as ClosedRange<Int64> { try store.update("j", "a", .failed, at: time) }
        var entries: [JobExecutionHistoryEntry] = []
        var token: [UInt8]?
        var droppedCount: UInt32 = 0
        repeat {
            let page = try store.history("j", "a", max: 5, token: token, at: 300)
            #expect(page.entries.count <= 5)
            entries += page.entries
            token = page.nextToken
            droppedCount = page.droppedCount
        } while token != nil
        #expect(entries.count + Int(droppedCount) == 1 + 101 + 99)
        #expect(entries.prefix(5).map(\.versionNumber) == [1, 2, 3, 4, 5])
        #expect(entries.contains { $0.kind == .change && $0.toStatus == .succeeded })
        #expect(entries.last?.atMilliseconds == 200 && entries.last?.kind == .refusedReport)
    }

    /// The newest change has its details in the record alone, until the next one comes.
    @Test(arguments: StoreUnderTest.allCases)
    func eachEntryKeepsTheDetailsOfItsChange(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["a"])
        var expected = [StatusDetails()]
        func check(at time: Int64) throws {
            let entries = try store.history("j", "a", at: time).entries
            #expect(entries.map(\.statusDetails) == expected)
            #expect(entries.map(\.versionNumber) == Array(1...Int64(entries.count)))
        }
        try check(at: 0)
        for time in 1...6 as ClosedRange<Int64> {
            // The fourth leaves the details as they are.
            let details = time == 4 ? nil : try StatusDetails("k", String(repeating: "v", count: Int(time) * 40))
            try store.update("j", "a", time == 6 ? .failed : .inProgress, details: details, at: time)
            expected.append(details ?? expected[expected.count - 1])
            try check(at: time)
        }
        let late = try StatusDetails("late", "1")
        try store.update("j", "a", .succeeded, details: late, at: 7)
        let entries = try store.history("j", "a", at: 8).entries
        #expect(entries.map(\.statusDetails) == expected + [late])
        #expect(try store.execution("j", "a", at: 9).record.statusDetails == expected.last)
    }

    /// Long details make for fewer entries; the newest change and the birth are always among them.
    @Test(arguments: StoreUnderTest.allCases)
    func longDetailsPushOutOlderChanges(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["a"])
        let value = String(repeating: "v", count: 900)
        for time in 1...10 as ClosedRange<Int64> {
            try store.update("j", "a", .inProgress, details: StatusDetails("k\(time)", value), at: time)
            let page = try store.history("j", "a", at: time)
            let changes = page.entries.dropFirst()
            let byteCount = changes.reduce(0) { $0 + $1.statusDetails.pairs.reduce(0) { $0 + $1.value.utf8.count } }
            #expect(changes.count == min(4, Int(time)) && byteCount <= ServerLimits.historyByteCountMax)
            #expect(changes.count + Int(page.droppedCount) == Int(time))
            #expect(page.entries.first?.versionNumber == 1 && page.entries.last?.versionNumber == time + 1)
            #expect(page.entries.last?.statusDetails["k\(time)"] == value)
        }
        let longest = String(repeating: "l", count: 1000)
        let tooLong = try StatusDetails((0..<5).map { (key: "k\($0)", value: longest) })
        try store.update("j", "a", .succeeded, details: tooLong, at: 11)
        #expect(try store.history("j", "a", at: 12).entries.map(\.versionNumber) == [1, 12])
        try store.update("j", "a", .failed, details: tooLong, at: 13)
        #expect(try store.history("j", "a", at: 14).entries.last?.kind == .refusedReport)
        #expect(try store.execution("j", "a", at: 15).record.statusDetails == tooLong)
    }

    /// The limit is that of the bytes as they are stored, to the last of them.
    @Test(arguments: StoreUnderTest.allCases)
    func aHistoryThatJustFitsIsKept(_ subject: StoreUnderTest) throws {
        // Six bytes at the head of all, eight before the details of each entry, and four and the key of each detail.
        for (last, versions) in [(395, [1, 2, 3]), (397, [1, 3])] as [(Int, [Int64])] {
            let store = subject.make()
            try store.create("j", on: ["a"])
            try store.update("j", "a", .inProgress, details: Self.details([653]), at: 1)
            try store.update("j", "a", .inProgress, details: Self.details([1000, 1000, 1000, last]), at: 2)
            #expect(try store.history("j", "a", at: 3).entries.map(\.versionNumber) == versions, "\(last)")
        }
    }

    private static func details(_ lengths: [Int]) throws -> StatusDetails {
        try StatusDetails(
            lengths.enumerated().map { (key: "\($0.offset)", value: String(repeating: "v", count: $0.element)) })
    }

    @Test(arguments: StoreUnderTest.allCases)
    func d26RepeatWithTheSameKeyGivesTheFirstOutcome(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let configuration = JobConfiguration(retryCriteria: [RetryCriterion(failureType: .failed, numberOfRetries: 1)])
        try store.create("j", on: ["a"], configuration)
        let key = IdempotencyKey(high: 1, low: 1)
        let other = IdempotencyKey(high: 1, low: 2)
        let first = try store.update("j", "a", .inProgress, key: key, includeState: true, at: 1).change
        try store.update("j", "a", .inProgress, details: StatusDetails("k", "v"), at: 2)
        #expect(try store.update("j", "a", .inProgress, key: key, includeState: true, at: 3).change == first)
        let conflict = try store.update("j", "a", .succeeded, key: key, at: 3).refusal
        #expect(conflict?.code == .idempotencyConflict)
        // The retry that the failure queued is not hit by the repeat.
        let failed = try store.update("j", "a", .failed, key: other, at: 4).change
        #expect(try store.update("j", "a", .failed, key: other, at: 5).change == failed)
        #expect(try store.execution("j", "a", at: 6).record.executionNumber == 2)
        #expect(try store.execution("j", "a", at: 6).record.status == .queued)
        #expect(try store.history("j", "a", number: 1, at: 6).entries.count == 4)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func d35EightKeysAreRememberedAndRefusalsAreNot(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["a"])
        let keys = (0..<9).map { IdempotencyKey(high: 7, low: $0) }
        #expect(try store.update("j", "a", .inProgress, key: keys[0], number: 2, at: 0).refusal?.code == .notFound)
        for key in keys { #expect(try store.update("j", "a", .inProgress, key: key, at: 1).change != nil) }
        for (index, key) in keys.enumerated().dropFirst() {
            let change = try store.update("j", "a", .inProgress, key: key, at: 2).change
            #expect(change?.versionNumber == Int64(index) + 2)
        }
        #expect(try store.update("j", "a", .inProgress, key: keys[0], at: 3).change?.versionNumber == 11)
    }

    @Test(arguments: StoreUnderTest.allCases.filter { $0 != .forgetful })
    func repeatedStartNextReturnsTheExecutionItStarted(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["a"], timeout: 5)
        try store.create("k", on: ["a"], at: 1)
        let key = IdempotencyKey(high: 3, low: 3)
        let first = try #require(try store.startNext("a", key: key, at: 2).execution)
        try store.update("j", "a", .succeeded, at: 3)
        let again = try #require(try store.startNext("a", key: key, at: 4).execution)
        #expect(again.jobId == "j" && again.record.status == .inProgress && again.record.versionNumber == 2)
        #expect(again.approximateSecondsBeforeTimedOut == first.approximateSecondsBeforeTimedOut)
        #expect(try store.startNext("a", at: 5).execution?.jobId.description == "k")
    }

    /// It changed nothing, so its repeat is decided afresh, and a key that it had does not count as used.
    @Test(arguments: StoreUnderTest.allCases.filter { $0 != .forgetful })
    func d35StartNextThatStartedNothingIsNotRemembered(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let key = IdempotencyKey(high: 3, low: 4)
        #expect(try store.startNext("a", key: key, at: 0).isEmpty)
        try store.create("j", on: ["a"])
        try store.create("k", on: ["a"], at: 1)
        try store.startNext("a", at: 2)
        #expect(try store.startNext("a", key: key, at: 3).execution?.jobId.description == "j")
        try store.update("j", "a", .succeeded, at: 4)
        let started = try #require(try store.startNext("a", key: key, at: 5).execution)
        #expect(started.jobId == "k" && started.record.versionNumber == 2)
        try store.update("k", "a", .succeeded, at: 6)
        #expect(try store.startNext("a", key: key, at: 7).execution?.jobId.description == "k")
    }

    @Test(arguments: StoreUnderTest.allCases)
    func jobOperationsAndDeletionsRememberTheirKeys(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let keys = (0..<5).map { IdempotencyKey(high: 9, low: $0) }
        try store.create("j", on: ["a", "b", "c"])
        let changed = try store.updateJob("j", timeout: 3, key: keys[0], at: 1).job
        #expect(try store.removeTargets("j", ["a"], key: keys[1], at: 2).removedCount == 1)
        let canceled = try store.cancelJob("j", key: keys[2], at: 3).job
        #expect(try store.removeTargets("j", ["a"], key: keys[1], at: 4).removedCount == 1)
        #expect(try store.updateJob("j", timeout: 3, key: keys[0], at: 4).job == changed)
        #expect(try store.updateJob("j", timeout: 4, key: keys[0], at: 4).refusal?.code == .idempotencyConflict)
        #expect(try store.deleteExecution("j", "a", 1, key: keys[3], at: 5).isExecutionDeleted)
        #expect(try store.deleteExecution("j", "a", 1, key: keys[3], at: 6).isExecutionDeleted)
        #expect(try store.deleteExecution("j", "a", 1, at: 6).refusal?.code == .notFound)
        #expect(try store.cancelJob("j", key: keys[2], at: 7).job == canceled)
        #expect(try store.deleteJob("j", key: keys[4], at: 8).deletionIsComplete == true)
        #expect(try store.deleteJob("j", key: keys[4], at: 9).deletionIsComplete == true)
        #expect(try store.deleteJob("j", force: true, key: keys[4], at: 9).refusal?.code == .idempotencyConflict)
    }
}
