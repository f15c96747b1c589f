import ErrandCore
import ErrandStore
import Testing

/// What a watch of a thing's queue is told (SPEC `WAT-9`).
@Suite(.timeLimit(.minutes(1)))
struct FeedQueueTests {
    /// What a call says of the list and of the head; nothing if the sink is not to be called.
    struct Change: Equatable {
        var list: Bool
        var head: Bool

        static let both = Change(list: true, head: true)
        static let head = Change(list: false, head: true)
    }

    private func check(_ watch: FeedWatch, _ expected: Change?, _ call: () throws -> Void) rethrows {
        try call()
        #expect(watch.takeReady() == (expected == nil ? [] : [watch.subscription]))
        let change = watch.feed.takeQueueChange(watch.subscription)
        #expect(Change(list: change.list, head: change.head) == expected ?? Change(list: false, head: false))
        let again = watch.feed.takeQueueChange(watch.subscription)
        #expect(again == (false, false))
        #expect(watch.take().events.isEmpty)
    }

    @Test(arguments: StoreUnderTest.inMemory)
    func everyKindOfChange(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let watch = try store.watch(.queue(try ThingName("a")))
        try check(watch, .both) { try store.create("j1", on: ["a", "b"], timeout: 10) }
        try check(watch, .both) { try store.create("j2", on: ["a"]) }
        try check(watch, nil) { try store.create("other", on: ["b"]) }
        try check(watch, .head) { try store.startNext("a", at: 1) }
        try check(watch, nil) { try store.startNext("a", at: 2) }
        try check(watch, nil) { try store.update("j1", "a", .inProgress, at: 3) }
        try check(watch, .head) { try store.update("j2", "a", .inProgress, at: 4) }
        try check(watch, .both) { try store.update("j2", "a", .succeeded, at: 5) }
        try check(watch, nil) { try store.update("j2", "a", .failed, at: 6) }
        try check(watch, nil) { try store.deleteExecution("j2", "a", 1, at: 6) }
        try check(watch, nil) { try store.update("j1", "b", .succeeded, at: 7) }
        check(watch, .both) { _ = store.store.advance(to: minutes(11), limit: 100) }
        try check(watch, .both) { try store.create("j3", on: ["a"], at: minutes(12)) }
        try check(watch, .both) { try store.deleteExecution("j3", "a", 1, at: minutes(12)) }
        try check(watch, .both) { try store.create("j4", on: ["a"], at: minutes(12)) }
        try check(watch, .both) { try store.cancelJob("j4", at: minutes(12)) }
        try check(watch, nil) { try store.deleteJob("j4", at: minutes(12)) }
        try check(watch, .both) { try store.create("j5", on: ["a"], at: minutes(12)) }
        try check(watch, .both) { try store.deleteJob("j5", force: true, at: minutes(12)) }
        try check(watch, .both) { try store.create("j6", on: ["a"], at: minutes(12)) }
        try check(watch, .both) { try store.removeTargets("j6", ["a"], at: minutes(12)) }
        let retry = JobConfiguration(retryCriteria: [RetryCriterion(failureType: .failed, numberOfRetries: 1)])
        try check(watch, .both) { try store.create("j7", on: ["a"], retry, at: minutes(13)) }
        try check(watch, .both) { try store.update("j7", "a", .failed, at: minutes(13)) }
        watch.unsubscribe()
        try check(watch, nil) { try store.cancel("j7", "a", at: minutes(14)) }
    }
}
