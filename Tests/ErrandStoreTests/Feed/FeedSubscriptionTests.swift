import ErrandCore
import ErrandStore
import Testing

/// What a subscription is given, from where, and when it cannot go on (SPEC `WAT-1`, `WAT-4` to `WAT-6`).
@Suite(.timeLimit(.minutes(1)))
struct FeedSubscriptionTests {
    private func scopes() throws -> [WatchScope] {
        let (job, thing) = (try JobId("j1"), try ThingName("a"))
        return [
            .everything, .job(job), .thing(thing), .execution(job, thing), .job(try JobId("none")),
            .thing(try ThingName("none")), .execution(job, try ThingName("none")),
        ]
    }

    /// Some calls on two jobs and three things.
    private func change(_ store: StoreDriver) throws {
        for job in ["j1", "j2"] { try store.create(job, on: ["a", "b", "c"]) }
        for thing in ["a", "b"] { try store.startNext(thing, at: 1) }
        try store.update("j1", "a", .inProgress, at: 2)
        try store.update("j1", "a", .succeeded, at: 3)
        try store.cancel("j2", "a", at: 4)
        try store.cancelJob("j1", force: true, at: 5)
        try store.deleteJob("j1", at: 6)
        try store.update("j2", "b", .failed, at: 7)
    }

    @Test(arguments: StoreUnderTest.withoutRestarts)
    func everyScopeSeesExactlyItsEvents(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let watches = try scopes().map { try store.watch($0) }
        try change(store)
        let all = try store.watch(from: 0).takeAll().events
        #expect(all.map(\.revision) == Array(1...UInt64(all.count)) && all.count > 20)
        for watch in watches {
            let (events, taken) = watch.takeAll(atMost: 3)
            #expect(events == all.filter { $0.belongs(to: watch.scope) })
            #expect(taken == ChangeFeed.Taken(revision: UInt64(all.count)))
            #expect(watch.callCount == (events.isEmpty ? 0 : 1))
        }
    }

    @Test(arguments: StoreUnderTest.withoutRestarts)
    func everyRevisionIsOneToGoOnFrom(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try change(store)
        let all = try store.watch(from: 0).takeAll().events
        for revision in 0...UInt64(all.count) {
            for scope in try scopes() {
                let watch = try store.watch(scope, from: revision)
                #expect(watch.startRevision == revision)
                let (events, taken) = watch.takeAll(atMost: 2)
                #expect(events == all.filter { $0.revision > revision && $0.belongs(to: scope) })
                #expect(taken.revision == UInt64(all.count))
                watch.unsubscribe()
            }
        }
        #expect(throws: Refusal.self) { try store.watch(from: UInt64(all.count) + 1) }
    }

    @Test func revisionNeverPromisesTooMuch() throws {
        let store = StoreUnderTest.memory.make()
        let watch = try store.watch(.thing(try ThingName("b")))
        try store.create("j", on: ["a", "b", "c"])
        // The event of b is the third of four.
        #expect(watch.take(atMost: 0).taken == ChangeFeed.Taken(revision: 2, isMoreWaiting: true))
        #expect(watch.take(atMost: 1).taken == ChangeFeed.Taken(revision: 4))
        try store.update("j", "a", .inProgress, at: 1)
        #expect(watch.take(atMost: 0).taken == ChangeFeed.Taken(revision: 5))
        let resumed = try store.watch(.thing(try ThingName("b")), from: 0)
        #expect(resumed.take(atMost: 0).taken == ChangeFeed.Taken(revision: 2, isMoreWaiting: true))
        try store.update("j", "b", .inProgress, at: 1)
        #expect(resumed.take(atMost: 1).taken == ChangeFeed.Taken(revision: 5, isMoreWaiting: true))
        // It has not caught up, so nobody is called.
        #expect(resumed.callCount == 0)
        #expect(resumed.take(atMost: 1).taken == ChangeFeed.Taken(revision: 6))
        try store.update("j", "b", .succeeded, at: 1)
        #expect(resumed.callCount == 1)
    }

    @Test func pastIsLookedThroughInSlices() throws {
        let store = StoreUnderTest.memory.make()
        try store.create("long", on: (0..<4000).map { "t\($0)" })
        try store.create("j", on: ["a"])
        let watch = try store.watch(.job(try JobId("j")), from: 0)
        let first = watch.take()
        #expect(first.events.isEmpty && first.taken.isMoreWaiting && first.taken.revision < 4001)
        #expect(watch.lines() == ["operator j >IN_PROGRESS", "service j/a#1 v1 >QUEUED"])
    }

    @Test func sinkIsCalledOnceUntilItAsks() throws {
        let store = StoreUnderTest.memory.make()
        try store.create("j", on: ["a"])
        let watch = try store.watch()
        for time in 1...3 as ClosedRange<Int64> { try store.update("j", "a", .inProgress, at: time) }
        #expect(watch.callCount == 1)
        #expect(watch.takeReady() == [watch.subscription] && watch.takeReady().isEmpty)
        try store.update("j", "a", .inProgress, at: 4)
        #expect(watch.callCount == 1 && watch.lines().count == 4)
        watch.unsubscribe()
        #expect(watch.takeReady().isEmpty && watch.take().taken.ended == .cancelled)
        try store.update("j", "a", .inProgress, at: 5)
        // The one who has its place now is another.
        let next = try store.watch()
        #expect(next.subscription != watch.subscription && watch.take().taken.ended == .cancelled)
        watch.unsubscribe()
        try store.update("j", "a", .inProgress, at: 6)
        #expect(next.lines().count == 1)
    }

    /// Those who share a scope leave in any order.
    @Test func othersOfAScopeStay() throws {
        let store = StoreUnderTest.memory.make()
        try store.create("j", on: ["a"])
        var watches = try (0..<6).map { _ in try store.watch(.thing(try ThingName("a"))) }
        for place in [2, 0, 3, 1] {
            watches.remove(at: place).unsubscribe()
            try store.update("j", "a", .inProgress, at: 1)
            for watch in watches { #expect(watch.lines().count == 1) }
        }
    }

    @Test func pastThatIsNoLongerKept() throws {
        let store = feedStore { $0.watchHistoryEventCount = 8 }
        try store.create("j", on: ["a"])
        let old = try store.watch(from: 0)
        for time in 1...10 as ClosedRange<Int64> { try store.update("j", "a", .inProgress, at: time) }
        // 12 events, of which 5 to 12 are kept.
        for revision in 0...3 as ClosedRange<UInt64> {
            #expect { try store.watch(from: revision) } throws: { ($0 as? Refusal)?.code == .watchCompacted }
        }
        #expect(try store.watch(from: 4).takeAll().events.map(\.revision) == Array(5...12))
        let taken = old.take().taken
        #expect(taken == ChangeFeed.Taken(revision: 0, ended: .watchCompacted) && old.take().taken == taken)
    }

    @Test func longDetailsMakeForFewerEvents() throws {
        let store = feedStore { $0.watchHistoryDetailsByteCountMax = 1000 }
        try store.create("j", on: ["a"])
        let details = try StatusDetails("k", String(repeating: "v", count: 296))
        for time in 1...5 as ClosedRange<Int64> { try store.update("j", "a", .inProgress, details: details, at: time) }
        #expect(throws: Refusal.self) { try store.watch(from: 3) }
        #expect(try store.watch(from: 4).takeAll().events.map(\.revision) == [5, 6, 7])
    }

    @Test func whoFallsTooFarBehindIsDropped() throws {
        let store = feedStore { $0.watchLagEventCountMax = 4 }
        try store.create("j", on: ["a"])
        let watch = try store.watch()
        for time in 1...4 as ClosedRange<Int64> { try store.update("j", "a", .inProgress, at: time) }
        #expect(watch.take(atMost: 1).taken == ChangeFeed.Taken(revision: 3, isMoreWaiting: true))
        try store.update("j", "a", .inProgress, at: 5)
        #expect(watch.takeReady() == [watch.subscription])
        try store.update("j", "a", .inProgress, at: 6)
        #expect(watch.callCount == 1 && watch.takeReady() == [watch.subscription])
        #expect(watch.take().taken == ChangeFeed.Taken(revision: 3, ended: .slowConsumer))
        try store.update("j", "a", .inProgress, at: 7)
        #expect(watch.takeReady().isEmpty)
        // From there it goes on without a gap, however much that is.
        #expect(try store.watch(from: 3).takeAll().events.map(\.revision) == Array(4...9))
    }

    /// What comes at once is not the watch's fault: it goes back to catching up, until the ring lets go of it.
    @Test func whoCouldNotAskIsNotDropped() throws {
        let store = feedStore {
            $0.watchLagEventCountMax = 4
            $0.watchHistoryEventCount = 12
        }
        let watch = try store.watch()
        try store.create("j", on: (0..<9).map { "t\($0)" })
        #expect(watch.callCount == 1 && watch.takeReady() == [watch.subscription])
        #expect(watch.take(atMost: 3).taken == ChangeFeed.Taken(revision: 3, isMoreWaiting: true))
        #expect(watch.takeAll().events.map(\.revision) == Array(4...10))
        try store.update("j", "t0", .inProgress, at: 1)
        #expect(watch.callCount == 1 && watch.lines().count == 1)
        for time in 2...14 as ClosedRange<Int64> { try store.update("j", "t0", .inProgress, at: time) }
        #expect(watch.take().taken == ChangeFeed.Taken(revision: 11, ended: .slowConsumer))
    }

    /// A quiet watch was asked long ago, and the ring has let go of that revision; none of its own events is gone.
    @Test func whoFallsBackGoesNoFurtherThanItsFirst() throws {
        let store = feedStore {
            $0.watchLagEventCountMax = 4
            $0.watchHistoryEventCount = 12
        }
        try store.create("j", on: ["a"])
        let watch = try store.watch(.job(try JobId("k")))
        for time in 1...20 as ClosedRange<Int64> { try store.update("j", "a", .inProgress, at: time) }
        try store.create("k", on: (0..<7).map { "t\($0)" })
        #expect(watch.takeAll().events.map(\.revision) == Array(23...30))
    }

    /// Asking up to where it is complete ends nobody; having no credit for more than may wait does.
    @Test func whoFellBackIsHeldToTheLimitOnceItHasNoCredit() throws {
        let store = feedStore { $0.watchLagEventCountMax = 4 }
        let (patient, slow) = (try store.watch(), try store.watch())
        try store.create("j", on: (0..<9).map { "t\($0)" })
        for watch in [patient, slow] { #expect(watch.take(atMost: 0).taken.ended == nil) }
        #expect(store.store.changes.holdWaiting(slow.subscription) == .slowConsumer)
        #expect(slow.take().taken.ended == .slowConsumer)
        #expect(patient.take(atMost: 6).events.count == 6)
        #expect(store.store.changes.holdWaiting(patient.subscription) == nil)
        // Live again, with the four that wait: one more is one too many.
        _ = patient.takeReady()
        try store.update("j", "t0", .inProgress, at: 1)
        #expect(patient.take().taken.ended == .slowConsumer)
    }

    @Test func whatWaitsMayBeLetGo() throws {
        let store = feedStore { $0.watchHistoryEventCount = 4 }
        try store.create("j", on: ["a"])
        let watch = try store.watch()
        for time in 1...5 as ClosedRange<Int64> { try store.update("j", "a", .inProgress, at: time) }
        #expect(watch.take().taken == ChangeFeed.Taken(revision: 2, ended: .slowConsumer))
    }

    /// More at once than is kept: whoever may have missed something is told.
    @Test func whatNobodyCouldSee() throws {
        let store = feedStore { $0.watchHistoryEventCount = 4 }
        let events = try store.watch(.thing(try ThingName("b")))
        let queue = try store.watch(.queue(try ThingName("b")))
        try store.create("j", on: ["a", "c", "d", "e", "f"])
        #expect(events.take().taken.ended == .slowConsumer)
        #expect(store.store.changes.takeQueueChange(queue.subscription) == (true, true))
    }

    @Test func revisionsOfALaterStartAreGreater() throws {
        let rules = ExecutionRules(minuteLengthMilliseconds: 60_000)
        let times: [Int64] = [Int64.min, 0, 1, 1_764_000_000_000, 1_764_000_000_001, Int64.max]
        let firsts = times.map { ChangeFeed.firstRevision(startedAtMilliseconds: $0) }
        #expect(firsts.sorted() == firsts && firsts[0] == 1 && firsts[4] - firsts[3] == 1 << 20)
        #expect(firsts[5] < UInt64.max / 2)
        let store = StoreDriver(MemoryExecutionStore(rules: rules, firstRevision: firsts[4]))
        try store.create("j", on: ["a"])
        #expect(try store.watch(from: firsts[4] - 1).takeAll().events.map(\.revision) == [firsts[4], firsts[4] + 1])
        #expect(throws: Refusal.self) { try store.watch(from: firsts[3] + 1000) }
        #expect(throws: Refusal.self) { try store.watch(from: 0) }
    }
}
