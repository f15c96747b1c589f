import ErrandCore

/// Where one watch stands in the feed; guarded by the feed's lock.
struct WatchSubscription {
    let scope: WatchScope
    let sink: ObjectIdentifier
    /// While it catches up with what happened before it began: the next revision to look at.
    var cursor: UInt64?
    /// Once it is up to date: the revisions that it has yet to take, oldest first, from `pendingStart` on.
    private var pending: ContiguousArray<UInt64> = []
    private var pendingStart = 0
    /// More waited for it than it may keep, so it looks for them again in what the feed keeps.
    var hasFallenBehind = false
    /// Why it takes no more.
    var ended: StatusCode?
    /// Whether its sink has been told and has not asked yet.
    var isReady = false
    var queueChange = QueueChange()

    init(scope: WatchScope, sink: ObjectIdentifier, cursor: UInt64?) {
        self.scope = scope
        self.sink = sink
        self.cursor = cursor
    }

    var pendingCount: Int { pending.count - pendingStart }
    var firstPending: UInt64? { pendingCount == 0 ? nil : pending[pendingStart] }

    /// An event for this watch has become visible. Returns whether its sink is to be told.
    mutating func deliver(_ event: borrowing JobExecutionEvent, lagMax: Int) -> Bool {
        guard ended == nil else { return false }
        if case .queue = scope {
            let before = queueChange
            queueChange.note(event)
            return queueChange != before
        }
        // What it catches up with it finds by itself.
        guard cursor == nil else { return false }
        guard pendingCount < lagMax else {
            cursor = firstPending
            pending = []
            pendingStart = 0
            hasFallenBehind = true
            return true
        }
        pending.append(event.revision)
        return true
    }

    mutating func end(_ status: StatusCode) {
        ended = status
        cursor = nil
        pending = []
        pendingStart = 0
    }

    mutating func takePending() -> UInt64? {
        guard let revision = firstPending else { return nil }
        pendingStart += 1
        if pendingStart == pending.count {
            pending.removeAll(keepingCapacity: true)
            pendingStart = 0
        } else if pendingStart >= 1024 {
            pending.removeFirst(pendingStart)
            pendingStart = 0
        }
        return revision
    }
}

/// What may have changed of a thing's pending list (SPEC §9.23 `WAT-9`).
package struct QueueChange: Sendable, Equatable {
    /// An execution was queued, ended, or was deleted while open.
    package var list = false
    /// Any of these, or an execution was started.
    package var head = false

    package init() {}

    mutating func note(_ event: borrowing JobExecutionEvent) {
        switch event.subject {
        case .execution(let state):
            guard let from = state.from else {
                list = true
                head = true
                return
            }
            if state.to.isTerminal { list = true }
            if state.to != from { head = true }
        case .executionDeleted(_, _, _, _, let from):
            if !from.isTerminal {
                list = true
                head = true
            }
        case .job, .jobDeleted: break
        }
    }
}

extension WatchScope {
    /// Whether the event is for a watch of this scope (SPEC §9.23).
    func includes(_ event: borrowing JobExecutionEvent) -> Bool {
        switch self {
        case .everything: true
        case .job(let jobId): event.jobId == jobId
        case .thing(let thingName): event.thingName == thingName
        case .execution(let jobId, let thingName): event.jobId == jobId && event.thingName == thingName
        case .queue: false
        }
    }
}
