internal import ErrandCore
internal import ErrandStore
internal import ErrandWire

/// What a watch of a thing's queue has to say (SPEC §9.23 `WAT-9`). It reads the list when there is something to say, so
/// what waits for a slow client is never more than that it wants to know.
struct WatchedQueue {
    /// As the last NOTIFY_NEXT said.
    private enum Head: Equatable {
        case unknown
        case nothing
        /// Its time tells it from one of an earlier job of the same id.
        case execution(JobId, Int64, queuedAtMilliseconds: Int64)
    }

    var wantsList = true
    var wantsHead = true
    private var isReading = false
    private var lastHead = Head.unknown

    /// Reads the list, if there is something to say, room to say it and nothing under way.
    mutating func startReading(credit: UInt32, of scope: WatchScope, id: UInt64, owner: ServerConnection) {
        guard case .queue(let thingName) = scope, wantsList || wantsHead, credit > 0, !isReading else { return }
        isReading = true
        let includesList = wantsList
        wantsList = false
        wantsHead = false
        owner.read(QueueRead(requestId: id, thingName: thingName, includesList: includesList))
    }

    /// Too much waits for the client: it is read again when that has gone.
    mutating func putOff(_ read: QueueRead) {
        isReading = false
        wantsHead = true
        wantsList = wantsList || read.includesList
    }

    /// Writes what was read. What there was no credit for stays wanted.
    mutating func send(_ read: QueueRead, credit: inout UInt32, _ encoder: inout SegmentEncoder) -> Int {
        isReading = false
        var sentCount = 0
        if read.includesList, let pending = read.pending {
            encoder.appendNotify(pending, requestId: read.requestId)
            credit -= 1
            sentCount += 1
        }
        let head =
            read.head.map {
                Head.execution(
                    $0.jobId, $0.record.executionNumber, queuedAtMilliseconds: $0.record.queuedAtMilliseconds)
            } ?? .nothing
        guard head != lastHead else { return sentCount }
        guard credit > 0 else {
            wantsHead = true
            return sentCount
        }
        if let view = read.head {
            _ = encoder.appendNotifyNext(requestId: read.requestId) { includesDocument, writer in
                var view = view
                if !includesDocument { view.jobDocument = nil }
                view.write(to: &writer)
            }
        } else {
            encoder.appendNotifyNothing(requestId: read.requestId)
        }
        lastHead = head
        credit -= 1
        return sentCount + 1
    }
}

/// A thing's pending list and its head, as the store answered.
struct QueueRead: Sendable {
    let requestId: UInt64
    let thingName: ThingName
    let includesList: Bool
    var outcomes: [StoreOutcome] = []

    init(requestId: UInt64, thingName: ThingName, includesList: Bool) {
        self.requestId = requestId
        self.thingName = thingName
        self.includesList = includesList
    }

    var commands: [StoreCommand] {
        [
            .describeOwn(
                DescribeOwnJobExecutionRequest(jobId: nil, thingName: thingName, includeJobDocument: true)),
            .getPending(GetPendingJobExecutionsRequest(thingName: thingName)),
        ]
    }

    /// Whether the store could not show it.
    var isRefused: Bool {
        outcomes.contains { if case .refused = $0 { true } else { false } }
    }

    var head: StoredExecutionView? {
        if case .execution(let view)? = outcomes.first { view } else { nil }
    }

    var pending: PendingJobExecutions? {
        if case .pending(let pending)? = outcomes.last { pending } else { nil }
    }
}
