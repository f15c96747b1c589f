import ErrandCore

/// A change of a stored execution, as its record says it.
///
/// The record holds what the execution has become and what cannot be told from that: who did it, from which status, and the
/// key of the call. A replay never asks the rules again.
struct ExecutionChange {
    var position: UInt32
    var from: JobExecutionStatus
    var actor: HistoryActor
    var image: ExecutionImage
    /// The call, if it is to be recognized when it comes again.
    var call: RememberedCall?

    struct RememberedCall {
        var key: IdempotencyKey
        var fingerprint: UInt64
        var outcome: RememberedCalls.Outcome
    }

    func append(to buffer: inout JournalBuffer) {
        buffer.append(position)
        buffer.append(from.rawValue)
        buffer.append(actor.rawValue)
        image.append(to: &buffer)
        buffer.append(flag: call != nil)
        guard let call else { return }
        buffer.append(call.key)
        buffer.append(call.fingerprint)
        // The outcome is what the execution has become; only these two are the call's own.
        buffer.append(flag: call.outcome.statusDetails != nil)
        buffer.append(optional: call.outcome.approximateSecondsBeforeTimedOut.map { Int64($0) })
    }
}

extension ExecutionChange {
    init(from reader: inout RecordReader) throws(StorageFault) {
        position = try reader.integer()
        from = try reader.status()
        guard !from.isTerminal else { throw reader.malformed("an execution that has ended changes no more") }
        actor = try reader.actor()
        image = try ExecutionImage(from: &reader)
        guard try reader.flag() else { return }
        let key = try reader.key()
        let fingerprint = try reader.integer(UInt64.self)
        let includesDetails = try reader.flag()
        let seconds = try reader.optional()
        let record = image.record
        call = RememberedCall(
            key: key, fingerprint: fingerprint,
            outcome: RememberedCalls.Outcome(
                status: record.status, versionNumber: record.versionNumber,
                lastUpdatedAtMilliseconds: record.lastUpdatedAtMilliseconds,
                approximateSecondsBeforeTimedOut: seconds.map { UInt32(clamping: $0) },
                statusDetails: includesDetails ? record.statusDetails : nil))
    }
}

/// What a record of the journal is about.
enum RecordKind: UInt8 {
    /// An execution changed, and perhaps its job with it.
    case executionChanged = 1
    case executionQueued = 2
    case executionDeleted = 3
    case reportRefused = 4
    /// A job as a whole.
    case jobBegun = 5
    case targetsReceived = 6
    case jobChanged = 7
    case targetExcluded = 8
    case jobGone = 9
    case deletionSettled = 10
}

/// A report that came after the end, as its record says it.
struct RefusedReport {
    var position: UInt32
    var event: ExecutionLog.Event
    var details: StatusDetails

    func append(to buffer: inout JournalBuffer) {
        buffer.append(position)
        buffer.append(event.at)
        buffer.append(event.from.rawValue)
        buffer.append(event.to.rawValue)
        buffer.append(event.version)
        buffer.append(details)
    }
}

extension RefusedReport {
    init(from reader: inout RecordReader) throws(StorageFault) {
        position = try reader.integer()
        let at = try reader.integer(Int64.self)
        let (from, to) = (try reader.status(), try reader.status())
        guard from.isTerminal else { throw reader.malformed("reports are refused only after the end") }
        event = ExecutionLog.Event(
            kind: .refusedReport, actor: .device, at: at, from: from, to: to, version: try reader.integer())
        details = try reader.details()
    }
}
