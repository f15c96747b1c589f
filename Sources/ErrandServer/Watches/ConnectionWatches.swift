internal import ErrandCore
internal import ErrandStore
internal import ErrandWire

/// The watches of one connection (SPEC §9.23): what the client may be sent, and what waits for it.
///
/// `@unchecked Sendable`: all state is touched only on the loop of the connection.
final class ConnectionWatches: @unchecked Sendable {
    private let feed: ChangeFeed
    private let loopWatches: LoopWatches
    private unowned let owner: ServerConnection
    private var watches: [UInt64: Watch] = [:]
    /// Watches, by request id, for which there may be something to do, each once, in turn.
    private var ready: [UInt64] = []
    private var scratch: [JobExecutionEvent] = []

    /// How many events one watch is sent before others have their turn.
    private static let eventsPerTurn = 256
    /// How many turns there are before the loop is given back: one may look through some thousand events of the past.
    private static let turnsPerPump = 32

    init(context: LoopContext, owner: ServerConnection) {
        feed = context.store.changes
        loopWatches = context.watches
        self.owner = owner
    }

    var isEmpty: Bool { watches.isEmpty }

    // MARK: What the client asks

    /// Begins a watch, which is silent until its call has been answered (`replied`).
    func begin(_ request: WatchRequest, requestId: UInt64) -> Result<WatchBegun, Refusal> {
        guard watches.count < ServerLimits.watchCountMax else {
            return .failure(
                Refusal(
                    .limitExceeded,
                    "the connection has \(watches.count) watches, the limit (watchCountMax); end some, or connect again"
                ))
        }
        return feed.subscribe(request.scope, fromRevision: request.fromRevision, sink: loopWatches).map { begun in
            loopWatches.add(begun.subscription, of: self, owner: owner, requestId: requestId)
            watches[requestId] = Watch(
                subscription: begun.subscription, scope: request.scope, credit: request.credit,
                revision: begun.revision)
            return WatchBegun(revision: begun.revision)
        }
    }

    func addCredit(_ credit: UInt32, requestId: UInt64) {
        guard let old = watches[requestId]?.credit else { return }
        watches[requestId]?.credit = UInt32(clamping: UInt64(old) + UInt64(credit))
        makeReady(requestId)
    }

    func end(_ requestId: UInt64) {
        guard watches[requestId]?.ending == nil else { return }
        watches[requestId]?.ending = .cancelled
        makeReady(requestId)
    }

    // MARK: What happens besides

    /// The Watch call has been answered.
    func replied(_ requestId: UInt64, at now: Int64) {
        watches[requestId]?.isBegun = true
        watches[requestId]?.lastSentAt = now
        makeReady(requestId)
    }

    /// The feed has something for a watch.
    func changed(_ requestId: UInt64) {
        if case .queue = watches[requestId]?.scope {
            noteQueueChange(requestId)
        }
        makeReady(requestId)
    }

    /// The server stops: every watch ends.
    func endAll(_ status: StatusCode) {
        for id in watches.keys.sorted() where watches[id]?.ending == nil {
            watches[id]?.ending = status
            makeReady(id)
        }
    }

    /// The connection is gone.
    func close() {
        for id in Array(watches.keys) { remove(id) }
        ready = []
    }

    private func makeReady(_ requestId: UInt64) {
        guard watches[requestId]?.isReady == false else { return }
        watches[requestId]?.isReady = true
        ready.append(requestId)
    }

    private func remove(_ requestId: UInt64) {
        guard let watch = watches.removeValue(forKey: requestId) else { return }
        loopWatches.remove(watch.subscription)
        feed.unsubscribe(watch.subscription)
    }

    // MARK: Sending

    /// Sends what there is, as far as credit and the connection go: while too much waits for the client, only ends are
    /// sent, which are small. `waitingByteCount` is what waits besides the encoder's. Returns whether it is to be called
    /// again after others have had their turn.
    func pump(
        _ state: inout ServerConnectionState<CallDecoder>, at now: Int64, waitingByteCount: Int
    ) -> Bool {
        guard !ready.isEmpty, state.phase == .serving || state.phase == .draining else { return false }
        var heldBack: [UInt64] = []
        var next = 0
        var turnsLeft = Self.turnsPerPump
        while next < ready.count, turnsLeft > 0 {
            let id = ready[next]
            next += 1
            guard var watch = watches[id] else { continue }
            watch.isReady = false
            let isFull = waitingByteCount + state.encoder.byteCount > WireLimits.outputByteCountSoftMax
            let step = advance(&watch, id, &state, at: now, isFull: isFull)
            guard step != .over else {
                remove(id)
                continue
            }
            if step == .heldBack {
                watch.isReady = true
                heldBack.append(id)
            }
            watches[id] = watch
            if step == .more {
                makeReady(id)
                turnsLeft -= 1
            }
        }
        ready.removeFirst(next)
        let hasMore = !ready.isEmpty
        ready += heldBack
        return hasMore
    }

    private enum Step {
        /// Nothing to do until something happens.
        case idle
        case more
        /// When the client has taken what waits for it.
        case heldBack
        case over
    }

    private func advance(
        _ watch: inout Watch, _ id: UInt64, _ state: inout ServerConnectionState<CallDecoder>, at now: Int64,
        isFull: Bool
    ) -> Step {
        guard watch.isBegun else { return .idle }
        if let ending = watch.ending {
            // So that it goes on elsewhere from here, and not from what it was sent last.
            if ending == .unavailable { sendBookmark(&watch, id, &state, at: now) }
            finish(id, ending, &state)
            return .over
        }
        if case .queue = watch.scope {
            if isFull { return .heldBack }
            watch.queue.startReading(credit: watch.credit, of: watch.scope, id: id, owner: owner)
            return .idle
        }
        scratch.removeAll(keepingCapacity: true)
        // Also when nothing may be sent: the feed says whether it has ended.
        let room = isFull ? 0 : min(Int(watch.credit), Self.eventsPerTurn)
        let taken = feed.take(watch.subscription, atMost: room, into: &scratch)
        if !send(taken.revision, of: &watch, id, &state, at: now) {
            finish(id, .resourceExhausted, &state)
            return .over
        }
        var ended = taken.ended
        if ended == nil, taken.isMoreWaiting, watch.credit == 0 { ended = feed.holdWaiting(watch.subscription) }
        if let ended {
            finish(id, ended, &state)
            return .over
        }
        guard taken.isMoreWaiting, watch.credit > 0 else { return .idle }
        return isFull ? .heldBack : .more
    }

    /// Sends the events in `scratch`. False if one does not fit the client's segments.
    private func send(
        _ revision: UInt64, of watch: inout Watch, _ id: UInt64, _ state: inout ServerConnectionState<CallDecoder>,
        at now: Int64
    ) -> Bool {
        watch.credit -= UInt32(clamping: scratch.count)
        var rest = scratch
        while !rest.isEmpty {
            let count = state.encoder.appendEvents(rest, revision: revision, requestId: id)
            if count == 0 { return false }
            state.watchSent()
            rest.removeFirst(count)
        }
        if !scratch.isEmpty {
            watch.lastSentAt = now
            watch.revision = revision
        }
        return true
    }

    private func finish(_ id: UInt64, _ status: StatusCode, _ state: inout ServerConnectionState<CallDecoder>) {
        state.encoder.appendWatchEnded(status, message: Watch.advice(status), requestId: id)
        state.watchSent()
    }

    /// Holds the watches of a connection that has taken too little for a while to the limit of what may wait: also those for
    /// which so much came at once that they went back to catching up, whom nobody is called for (SPEC §7.9).
    func endLagging(_ state: inout ServerConnectionState<CallDecoder>) {
        for id in ready {
            guard let watch = watches[id], watch.isBegun, watch.ending == nil,
                let ended = feed.holdWaiting(watch.subscription)
            else { continue }
            finish(id, ended, &state)
            remove(id)
        }
    }

    /// Tells quiet watches up to where they are complete (SPEC §7.7 `WAT-2`): now and then, and before so much else has
    /// happened that they could not go on from what they were told last. One that has ended meanwhile is made ready, so
    /// that it is told so: nobody is called for a watch that catches up without credit.
    func sendBookmarks(_ state: inout ServerConnectionState<CallDecoder>, at now: Int64) {
        let revision = feed.revision
        for (id, watch) in watches where watch.isBegun && !watch.isReady && watch.ending == nil {
            let isOld = now - watch.lastSentAt >= ServerLimits.watchBookmarkIntervalMilliseconds
            let behind = revision > watch.revision ? revision - watch.revision : 0
            guard isOld || behind >= UInt64(feed.historyCountMax / 4) else { continue }
            var watch = watch
            let hasEnded = sendBookmark(&watch, id, &state, at: now)
            watches[id] = watch
            if hasEnded { makeReady(id) }
        }
    }

    /// Says up to where the watch is complete, if nothing waits for it and that is news. Returns whether it has ended.
    @discardableResult
    private func sendBookmark(
        _ watch: inout Watch, _ id: UInt64, _ state: inout ServerConnectionState<CallDecoder>, at now: Int64
    ) -> Bool {
        if case .queue = watch.scope { return false }
        scratch.removeAll(keepingCapacity: true)
        let taken = feed.take(watch.subscription, atMost: 0, into: &scratch)
        guard taken.ended == nil else { return true }
        guard !taken.isMoreWaiting, taken.revision > watch.revision else { return false }
        _ = state.encoder.appendEvents(scratch, revision: taken.revision, requestId: id)
        state.watchSent()
        watch.revision = taken.revision
        watch.lastSentAt = now
        return false
    }

    // MARK: Queues

    private func noteQueueChange(_ requestId: UInt64) {
        guard let subscription = watches[requestId]?.subscription else { return }
        let change = feed.takeQueueChange(subscription)
        if change.list { watches[requestId]?.queue.wantsList = true }
        if change.head { watches[requestId]?.queue.wantsHead = true }
    }

    /// The pending list has been read for a watch, and is durable.
    func queueWasRead(
        _ read: QueueRead, _ state: inout ServerConnectionState<CallDecoder>, waitingByteCount: Int
    ) {
        guard var watch = watches[read.requestId] else { return }
        if read.isRefused {
            // What it is now is not known, and the client is not told that nothing is pending.
            watch.ending = .unavailable
        } else if waitingByteCount + state.encoder.byteCount > WireLimits.outputByteCountSoftMax {
            watch.queue.putOff(read)
        } else {
            let sentCount = watch.queue.send(read, credit: &watch.credit, &state.encoder)
            for _ in 0..<sentCount { state.watchSent() }
        }
        watches[read.requestId] = watch
        makeReady(read.requestId)
    }
}

/// One watch of a connection.
struct Watch {
    let subscription: ChangeFeed.Subscription
    let scope: WatchScope
    /// Events and notifications that the client still takes.
    var credit: UInt32
    /// Up to where the client has been told.
    var revision: UInt64
    /// Whether its call has been answered; nothing is sent before.
    var isBegun = false
    var isReady = false
    /// Why it is to end.
    var ending: StatusCode?
    var lastSentAt: Int64 = 0
    var queue = WatchedQueue()

    init(subscription: ChangeFeed.Subscription, scope: WatchScope, credit: UInt32, revision: UInt64) {
        self.subscription = subscription
        self.scope = scope
        self.credit = credit
        self.revision = revision
    }

    static func advice(_ status: StatusCode) -> String {
        switch status {
        case .cancelled: "the watch was ended as asked"
        case .slowConsumer: "too many events waited; watch again from the last revision, and give credit sooner"
        case .watchCompacted: "the next events are no longer kept; watch anew, then read what you watch"
        case .unavailable: "the server is stopping; watch again on another connection, from the last revision"
        default: "the next event is larger than the client takes"
        }
    }
}
