import ErrandCore
import ErrandServer
import ErrandStore
import ErrandTestSupport
import ErrandTransport
import ErrandWire
import Synchronization
import Testing

/// SPEC §7.7–§7.11 and §9.23, byte by byte: credit, lag, ends, and what a watch may cost.
@Suite(.ownThreads, .timeLimit(.minutes(5)))
struct WatchConnectionTests {
    /// Reports on `t` of job `j`, `count` times, in batches.
    private func report(_ count: Int, by owner: RawPeer, details: StatusDetails? = nil) throws {
        var left = count
        while left > 0 {
            let part = min(left, 256)
            for _ in 0..<part {
                owner.append(
                    UpdateJobExecutionRequest(
                        jobId: job("j"), thingName: thing("t"), status: .inProgress, statusDetails: details))
            }
            owner.flush()
            for _ in 0..<part { #expect(try owner.next().status == .ok) }
            left -= part
        }
    }

    private func begin(
        _ peer: RawPeer, _ scope: WatchScope = .everything, from revision: UInt64? = nil, credit: UInt32
    ) throws -> (id: UInt64, revision: UInt64) {
        let reply = try peer.call(WatchRequest(scope: scope, fromRevision: revision, credit: credit))
        #expect(reply.status == .ok)
        return (reply.header.requestId, try reply.message(WatchBegun.self).revision)
    }

    private func events(_ peer: RawPeer, _ count: Int) throws -> [JobExecutionEvent] {
        var events: [JobExecutionEvent] = []
        while events.count < count {
            let frame = try peer.next()
            #expect(frame.opcode == .events)
            guard frame.opcode == .events else { break }
            events += try frame.message(EventsMessage.self).events
        }
        return events
    }

    @Test func eventsComeAsFarAsTheCreditGoes() async throws {
        let server = try TestServer()
        let (owner, watcher) = (try server.client(), try server.client())
        try owner.createJob("j", ["t"])
        let (id, revision) = try begin(watcher, credit: 3)
        try report(5, by: owner)
        let first = try events(watcher, 3)
        #expect(first.map(\.revision) == [revision + 1, revision + 2, revision + 3])
        // Nothing more comes: the next frame is the answer to a call.
        #expect(try watcher.call(HealthRequest()).status == .ok)
        watcher.encoder.appendWatchCredit(10, requestId: id)
        watcher.flush()
        #expect(try events(watcher, 2).map(\.revision) == [revision + 4, revision + 5])
        watcher.encoder.appendEndWatch(requestId: id)
        watcher.encoder.appendEndWatch(requestId: id)
        watcher.encoder.appendWatchCredit(1, requestId: 999)
        watcher.flush()
        let end = try watcher.next()
        #expect(end.opcode == .watchEnded && end.status == .cancelled && end.header.requestId == id)
        try report(1, by: owner)
        #expect(try watcher.call(HealthRequest()).opcode == .health)
        try server.expectServing()
        await server.stop()
    }

    /// More than 4,096 events wait for credit: the watch is told and ends, the connection and the others live.
    @Test func aWatchThatFallsBehindIsToldAndCanGoOn() async throws {
        let server = try TestServer()
        let (owner, watcher) = (try server.client(), try server.client())
        try owner.createJob("j", ["t"])
        let (slow, revision) = try begin(watcher, credit: 1)
        try report(ServerLimits.watchLagEventCountMax, by: owner)
        #expect(try events(watcher, 1).first?.revision == revision + 1)
        #expect(try watcher.call(HealthRequest()).opcode == .health)
        try report(2, by: owner)
        let end = try watcher.next()
        #expect(end.opcode == .watchEnded && end.status == .slowConsumer && end.header.requestId == slow)
        #expect(try end.failure().applied == .no)
        let all = ServerLimits.watchLagEventCountMax + 2
        _ = try begin(watcher, from: revision + 1, credit: UInt32(all))
        let rest = try events(watcher, all - 1)
        #expect(rest.map(\.revision) == Array((revision + 2)...(revision + UInt64(all))))
        try server.expectServing()
        await server.stop()
    }

    /// One call may bring more events than a watch may lag behind. That is no fault of a watch that takes them.
    @Test func aJobOfManyThingsDoesNotEndTheWatchesThatTakeItsEvents() async throws {
        let server = try TestServer()
        let (owner, watcher) = (try server.client(), try server.client())
        let (_, revision) = try begin(watcher, .job(job("large")), credit: 100_000)
        let names = (0..<9000).map { thing("t\($0)") }
        let create = CreateJobRequest(jobId: job("large"), document: "{}", targetCount: 9000, targets: names)
        #expect(try owner.call(create).status == .ok)
        let all = try events(watcher, 9001)
        #expect(all.count == 9001 && all.first?.subject == .job(from: nil, to: .inProgress))
        #expect(all.map(\.revision) == Array((revision + 1)...(revision + 9001)))
        try server.expectServing()
        await server.stop()
    }

    @Test func aRevisionThatIsNotKeptIsRefused() async throws {
        let server = try TestServer { $0.watchHistoryEventCount = 100 }
        let owner = try server.client()
        try owner.createJob("j", ["t"])
        let (_, revision) = try begin(owner, .thing(thing("other")), credit: 1)
        try report(200, by: owner)
        for wrong in [revision, revision + 99, revision + 201, 0, .max] {
            let reply = try owner.call(WatchRequest(scope: .everything, fromRevision: wrong, credit: 1))
            #expect(reply.status == .watchCompacted)
            #expect(try !reply.failure().message.isEmpty)
        }
        let watcher = try server.client()
        _ = try begin(watcher, from: revision + 100, credit: 1000)
        #expect(try events(watcher, 100).first?.revision == revision + 101)
        try server.expectServing()
        await server.stop()
    }

    /// Nothing calls for a watch that has yet to be sent the past and has no credit; it is told all the same when what it
    /// would be sent next is no longer kept.
    @Test func aWatchOfThePastWithoutCreditIsToldWhenItsEventsAreGone() async throws {
        let server = try TestServer { $0.watchHistoryEventCount = 100 }
        let (owner, watcher) = (try server.client(), try server.client())
        try owner.createJob("j", ["t"])
        let (_, revision) = try begin(owner, .thing(thing("other")), credit: 1)
        try report(1, by: owner)
        let (id, _) = try begin(watcher, from: revision, credit: 0)
        try report(200, by: owner)
        server.passing(milliseconds: ServerLimits.watchBookmarkIntervalMilliseconds)
        let end = try watcher.next()
        #expect(end.opcode == .watchEnded && end.status == .watchCompacted && end.header.requestId == id)
        try server.expectServing()
        await server.stop()
    }

    @Test func watchesAreCountedAndEndWithTheServer() async throws {
        let server = try TestServer()
        let watcher = try server.client()
        var ids: [UInt64] = []
        for _ in 0..<ServerLimits.watchCountMax { ids.append(try begin(watcher, credit: 1).id) }
        #expect(try watcher.call(WatchRequest(scope: .everything, credit: 1)).status == .limitExceeded)
        watcher.encoder.appendEndWatch(requestId: ids.removeFirst())
        watcher.flush()
        #expect(try watcher.next().opcode == .watchEnded)
        ids.append(try begin(watcher, .queue(thing("t")), credit: 2).id)
        #expect(try watcher.next().opcode == .notify)
        #expect(try watcher.next().opcode == .notifyNext)
        async let stopped: Void = server.server.stop(graceMilliseconds: 20_000)
        #expect(try watcher.next().opcode == .goAway)
        var ended: Set<UInt64> = []
        while let frame = try? watcher.next() {
            #expect(frame.opcode == .watchEnded && frame.status == .unavailable)
            #expect(ended.insert(frame.header.requestId).inserted)
        }
        #expect(ended == Set(ids))
        watcher.close()
        await stopped
    }

    /// Twenty watchers of everything that never read, and 160 MB of events for each.
    @Test func watchersThatDoNotReadCostLittle() async throws {
        let server = try TestServer()
        let owner = try server.client()
        try owner.createJob("j", ["t"])
        let value = String(repeating: "\u{10348}", count: 1024)
        let details = try StatusDetails((0..<2).map { (key: "k\($0)", value: value) })
        try report(1, by: owner, details: details)
        let before = ProcessFacts.residentByteCount
        var lazy: [RawPeer] = []
        for _ in 0..<20 {
            let peer = try RawPeer(port: server.port, bufferByteCount: 4096)
            try peer.greet()
            _ = try begin(peer, credit: .max)
            lazy.append(peer)
        }
        // Each report has its own copy of the details, of which the feed keeps the last.
        try report(20_000, by: owner, details: details)
        let kept = 20_000 * details.flat.count
        #expect(ProcessFacts.residentByteCount - before < kept * 3 / 2 + 150_000_000)
        // Read late, the end comes after what had been written.
        var last: RawFrame?
        while last?.opcode != .watchEnded { last = try lazy[0].next() }
        #expect(last?.status == .slowConsumer)
        for peer in lazy { peer.reset() }
        try server.expectServing()
        await server.stop()
    }

    /// So much comes at once, on the very thread that serves the watch, that it goes back to catching up. As its client does
    /// not read, it is ended all the same, and not only when the server keeps no more.
    @Test func aWatchThatFellBackOnAFullConnectionIsEnded() async throws {
        let server = try TestServer { $0.loopCount = 1 }
        let (owner, quiet) = (try server.client(), try server.client())
        try owner.createJob("j", ["t"])
        // The bookmark of each says that another tick of the loop has passed.
        for _ in 0..<4 {
            _ = try begin(quiet, .thing(thing("quiet")), credit: 0)
            server.passing(milliseconds: 100)
        }
        server.passing(milliseconds: ServerLimits.watchBookmarkIntervalMilliseconds - 500)
        let lazy = try RawPeer(port: server.port, bufferByteCount: 4096)
        try lazy.greet()
        _ = try begin(lazy, credit: .max)
        let value = String(repeating: "\u{10348}", count: 1024)
        try report(1000, by: owner, details: try StatusDetails((0..<2).map { (key: "k\($0)", value: value) }))
        let names = (0..<ServerLimits.promptTargetCountMax).map { thing("t\($0)") }
        for id in ["large", "larger"] {
            let count = UInt32(names.count)
            let create = CreateJobRequest(jobId: job(id), document: "{}", targetCount: count, targets: names)
            #expect(try owner.call(create).status == .ok)
        }
        for _ in 0..<4 {
            server.passing(milliseconds: 100)
            #expect(try quiet.next().message(EventsMessage.self).events.isEmpty)
        }
        var last: RawFrame?
        while last?.opcode != .watchEnded { last = try lazy.next() }
        #expect(last?.status == .slowConsumer)
        try server.expectServing()
        await server.stop()
    }

    /// A quiet watch learns how far it is complete, so that it can go on from there later.
    @Test func aQuietWatchGetsBookmarks() async throws {
        let server = try TestServer()
        let (owner, watcher) = (try server.client(), try server.client())
        try owner.createJob("j", ["t"])
        let (id, revision) = try begin(watcher, .thing(thing("quiet")), credit: 0)
        try report(3, by: owner)
        server.passing(milliseconds: ServerLimits.watchBookmarkIntervalMilliseconds)
        let frame = try watcher.next()
        #expect(frame.header.requestId == id)
        #expect(try frame.message(EventsMessage.self) == EventsMessage(revision: revision + 3, events: []))
        try server.expectServing()
        await server.stop()
    }

    /// When the store cannot show a queue, as after a failure of its disk, nobody is told that nothing is pending.
    @Test func aQueueThatCannotBeReadIsNotEmpty() async throws {
        let isRefusing = RefusingStore.Switch()
        let server = try TestServer(wrap: { RefusingStore($0, isRefusing) })
        let (owner, watcher) = (try server.client(), try server.client())
        try owner.createJob("j", ["t"])
        let (id, _) = try begin(watcher, .queue(thing("t")), credit: 10)
        #expect(try watcher.next().opcode == .notify)
        #expect(try watcher.next().opcode == .notifyNext)
        isRefusing.isOn.store(true, ordering: .relaxed)
        try report(1, by: owner)
        let end = try watcher.next()
        #expect(end.opcode == .watchEnded && end.status == .unavailable && end.header.requestId == id)
        isRefusing.isOn.store(false, ordering: .relaxed)
        try server.expectServing()
        await server.stop()
    }
}

/// Refuses to read pending executions, when told so.
private final class RefusingStore: ExecutionStore {
    final class Switch: Sendable {
        let isOn = Atomic(false)
    }

    private let store: MemoryExecutionStore
    private let isRefusing: Switch

    init(_ store: MemoryExecutionStore, _ isRefusing: Switch) {
        self.store = store
        self.isRefusing = isRefusing
    }

    func submit(_ batch: CommandBatch, at nowMilliseconds: Int64) {
        guard isRefusing.isOn.load(ordering: .relaxed), case .describeOwn? = batch.commands.first else {
            return store.submit(batch, at: nowMilliseconds)
        }
        batch.outcomes = batch.commands.map { _ in .refused(Refusal(.unavailable, "the disk failed")) }
        batch.complete()
    }

    func advance(to nowMilliseconds: Int64, limit: Int) -> AdvanceResult {
        store.advance(to: nowMilliseconds, limit: limit)
    }

    func onEarlierDue(_ notify: @escaping @Sendable (_ dueMilliseconds: Int64) -> Void) { store.onEarlierDue(notify) }

    var changes: ChangeFeed { store.changes }
    var counts: StoreCounts { store.counts }
}
