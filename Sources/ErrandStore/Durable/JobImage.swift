import ErrandCore
import Synchronization

/// What is written of a job, in three parts: how it was created, what calls and rules decided, and what its executions made
/// of it. A record holds the parts that changed, a row holds all.
extension StoredJob {
    /// How it was created; none of it ever changes.
    func appendCreation(to buffer: inout JournalBuffer) {
        buffer.append(name: id.bytes)
        let text = document.bytes
        buffer.append(sized: text.span.bytes)
        buffer.append(optional: createdDescription)
        buffer.append(createdConfiguration)
        buffer.append(UInt32(truncatingIfNeeded: announcedTargetCount))
    }

    /// A job as `appendCreation` wrote it, with nothing decided yet.
    static func created(
        _ number: UInt64, at now: Int64, changes: ChangeFeed, from reader: inout RecordReader
    ) throws(StorageFault) -> StoredJob {
        let id = try reader.jobId()
        let request = CreateJobRequest(
            jobId: id, document: try reader.text(), description: try reader.optionalText(),
            configuration: try reader.configuration(), targetCount: try reader.integer(), targets: [])
        guard number < RecordReader.numberMax, request.targetCount <= UInt32(FieldLimits.jobTargetCountMax) else {
            throw reader.malformed("there are too many targets")
        }
        return StoredJob(request, number: number, at: now, changes: changes)
    }

    /// What was decided of the job as a whole.
    func appendDecisions(_ state: borrowing State, to buffer: inout JournalBuffer) {
        buffer.append(sweepFlags.rawValue)
        buffer.append(state.status.rawValue)
        buffer.append(state.createdAt)
        buffer.append(state.lastUpdatedAt)
        buffer.append(optional: state.completedAt)
        buffer.append(optional: state.description)
        buffer.append(state.configuration)
        buffer.append(optional: state.reasonCode)
        buffer.append(optional: state.comment)
        buffer.append(flag: state.forceCanceled)
        buffer.append(state.sweep.canceledAt)
        buffer.append(flag: state.sweep.cancelWasForced)
        buffer.append(state.sweep.forcedAt)
        buffer.append(state.sweep.actor.rawValue)
        buffer.append(state.calls)
    }

    func readDecisions(_ state: inout State, from reader: inout RecordReader) throws(StorageFault) {
        let flags = SweepFlags(rawValue: try reader.byte())
        state.status = try reader.jobStatus()
        state.createdAt = try reader.integer()
        state.lastUpdatedAt = try reader.integer()
        state.completedAt = try reader.optional()
        state.description = try reader.optionalText()
        let oldRollout = state.configuration.rollout
        state.configuration = try reader.configuration()
        if state.configuration.rollout != oldRollout { state.rolloutWindow.forgetRate() }
        state.reasonCode = try reader.optionalText()
        state.comment = try reader.optionalText()
        state.forceCanceled = try reader.flag()
        state.sweep.canceledAt = try reader.integer()
        state.sweep.cancelWasForced = try reader.flag()
        state.sweep.forcedAt = try reader.integer()
        state.sweep.actor = try reader.actor()
        state.calls = RememberedOutcomes(countMax: RememberedCalls.countMax)
        try reader.outcomes(into: &state.calls)
        setInProgressTimeout(state.configuration.inProgressTimeoutInMinutes ?? 0)
        addSweepFlags(flags)
        if !flags.isEmpty { state.targets.dropIndex() }
    }

    /// What its executions made of it, and how far its rollout is.
    func appendProgress(_ state: borrowing State, to buffer: inout JournalBuffer) {
        buffer.append(state.lastSequence)
        buffer.append(state.creationNumber)
        buffer.append(state.lastProgressAt)
        buffer.append(state.counts)
        buffer.append(state.attempts)
        buffer.append(UInt32(truncatingIfNeeded: state.notYetQueuedCount))
        buffer.append(UInt32(truncatingIfNeeded: state.executions.count))
        buffer.append(state.queuedThingCount)
        buffer.append(state.queuedUpTo)
        buffer.append(UInt32(truncatingIfNeeded: state.targets.count))
        state.targets.appendExcluded(to: &buffer)
        state.rolloutWindow.append(to: &buffer)
    }

    /// Returns how many targets there must be, which are in rows of their own.
    func readProgress(_ state: inout State, from reader: inout RecordReader) throws(StorageFault) -> Int {
        state.lastSequence = try reader.integer()
        state.creationNumber = try reader.integer()
        state.lastProgressAt = try reader.integer()
        state.counts = try reader.counts()
        state.attempts = try reader.counts()
        state.notYetQueuedCount = Int(try reader.integer(UInt32.self))
        let executionCount = Int(try reader.integer(UInt32.self))
        guard executionCount <= executionCountMax, state.notYetQueuedCount <= announcedTargetCount,
            max(state.lastSequence, state.creationNumber) < RecordReader.numberMax
        else { throw reader.malformed("there are more executions than targets") }
        state.executions = ContiguousArray(repeating: .absent, count: executionCount)
        state.queuedThingCount = try reader.integer()
        guard state.queuedThingCount <= UInt32(announcedTargetCount) else {
            throw reader.malformed("there are more executions than targets")
        }
        state.notifiedCount = state.queuedThingCount
        state.queuedUpTo = try reader.cursor()
        state.rollout = state.queuedUpTo
        let targetCount = Int(try reader.integer(UInt32.self))
        try state.targets.readExcluded(from: &reader)
        try state.rolloutWindow.read(from: &reader)
        guard targetCount < announcedTargetCount || state.creationNumber > 0 else {
            throw reader.malformed("a complete job has no place among the others")
        }
        return targetCount
    }
}

extension JournalBuffer {
    mutating func append(_ cursor: JobTargets.Cursor) {
        append(UInt32(truncatingIfNeeded: cursor.position))
        append(UInt32(truncatingIfNeeded: cursor.offset))
    }
}

extension RecordReader {
    mutating func cursor() throws(StorageFault) -> JobTargets.Cursor {
        JobTargets.Cursor(position: Int(try integer(UInt32.self)), offset: Int(try integer(UInt32.self)))
    }
}

extension RolloutWindow {
    func append(to buffer: inout JournalBuffer) {
        buffer.append(UInt32(truncatingIfNeeded: runs.count))
        for run in runs {
            buffer.append(run.time)
            buffer.append(run.count)
        }
        buffer.append(rate)
        buffer.append(optional: firstAt)
        buffer.append(rateEndsAt)
    }

    mutating func read(from reader: inout RecordReader) throws(StorageFault) {
        self = RolloutWindow()
        for _ in 0..<(try reader.integer(UInt32.self)) {
            runs.append((try reader.integer(), try reader.integer()))
        }
        let sum = runs.reduce(0 as UInt64) { $0 &+ UInt64($1.count) }
        guard sum <= UInt64(FieldLimits.jobTargetCountMax) else {
            throw reader.malformed("more was queued in a minute than there is")
        }
        countInWindow = UInt32(sum)
        rate = try reader.integer()
        firstAt = try reader.optional()
        rateEndsAt = try reader.integer()
    }
}

extension JobTargets {
    func appendExcluded(to buffer: inout JournalBuffer) {
        buffer.append(UInt32(truncatingIfNeeded: excluded.count))
        for offset in excluded { buffer.append(offset) }
    }

    mutating func readExcluded(from reader: inout RecordReader) throws(StorageFault) {
        for _ in 0..<(try reader.integer(UInt32.self)) { excluded.insert(try reader.integer()) }
    }

    /// The names from `position` on, at most `count`, each under its length.
    func append(from position: Int, atMost limit: Int, to buffer: inout JournalBuffer) {
        let end = min(count, position + limit)
        buffer.append(UInt32(truncatingIfNeeded: end - position))
        guard position < end else { return }
        let last = end < count ? cursor(at: end).offset : bytes.count
        buffer.append(sized: bytes.span.bytes.extracting(cursor(at: position).offset..<last))
    }

    /// Names as `append` wrote them.
    static func names(from reader: inout RecordReader) throws(StorageFault) -> [ThingName] {
        let count = Int(try reader.integer(UInt32.self))
        guard count > 0 else { return [] }
        let bytes = try reader.byteArray()
        var names: [ThingName] = []
        names.reserveCapacity(min(count, bytes.count))
        var offset = 0
        while offset < bytes.count {
            let end = offset + 1 + Int(bytes[offset])
            guard end <= bytes.count, let name = ThingName(received: bytes.span.bytes.extracting((offset + 1)..<end))
            else { throw reader.malformed("a target's name is too long") }
            names.append(name)
            offset = end
        }
        guard names.count == count else { throw reader.malformed("there are other targets") }
        return names
    }
}
