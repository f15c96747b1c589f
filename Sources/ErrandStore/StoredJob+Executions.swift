import ErrandCore
import Synchronization

/// What happens to a job when one of its executions changes. The caller holds the execution's stripe.
///
/// The execution's event, which the caller has made ready, is appended here under the job's lock, before those of what
/// it brings about.
extension StoredJob {
    enum Moved {
        /// The job was swept after the caller had looked: decide anew.
        case raced
        case done
        /// The attempt failed and this one follows it, at that position of the job's executions.
        case retried(ExecutionRecord, position: UInt32)
        /// It was one failure too many; the job is canceled.
        case aborted
    }

    /// A stored execution got another status. If a retry follows, it will live at `next`, and `nextSequence` is its
    /// place among the thing's. Returns the sequence of the record too.
    func executionMoved(
        _ change: ExecutionChange, event: FeedEvent, seen: SweepFlags, next: ExecutionReference, nextSequence: UInt32,
        rules: ExecutionRules, at now: Int64
    ) -> (Moved, sequence: UInt64) {
        state.withLock { state in
            guard sweepFlags == seen else { return (.raced, 0) }
            let (old, new) = (change.from, change.image.record.status)
            var moved = Moved.done
            var consequence = Consequence.none
            var second: FeedEvent?
            let criteria = state.configuration.retryCriteria
            state.move(from: old, to: new)
            if state.status == .inProgress, let retry = rules.retry(of: change.image.record, criteria: criteria) {
                let position = UInt32(state.executions.count)
                state.add(next, at: position)
                state.counts[new] &-= 1
                second = FeedEvent(retry, from: nil, by: .service, job: identity, thingName: event.thingName)
                consequence = .retry(
                    position: position, ExecutionImage(record: retry, sequence: nextSequence, startSequence: 0))
                moved = .retried(retry, position: position)
            } else if new.isTerminal {
                var event: JobEvent?
                if state.status == .inProgress, let comment = state.abortComment {
                    event = cancel(
                        &state, force: false, actor: .service, reasonCode: Self.abortReasonCode, comment: comment,
                        at: now)
                    moved = .aborted
                } else {
                    event = completeIfDone(&state, at: now)
                }
                if let event { consequence = .job(event) }
                second = event?.event(of: identity)
            }
            let sequence = changes.append(event, second) { buffer, revision in
                appendHead(.executionChanged, revision, to: &buffer)
                buffer.append(name: event.thingName.bytes)
                change.append(to: &buffer)
                append(consequence, state, to: &buffer)
            }
            noteRecorded(&state, sequence)
            return (moved, sequence)
        }
    }

    /// A stored execution changed and kept its status, which is nothing to the job. Returns the record's sequence.
    func executionReported(_ change: ExecutionChange, event: FeedEvent) -> UInt64 {
        changes.append(event) { buffer, revision in
            appendHead(.executionChanged, revision, to: &buffer)
            buffer.append(name: event.thingName.bytes)
            change.append(to: &buffer)
            buffer.append(UInt8(0))
        }
    }

    static let abortReasonCode = "ABORT_CRITERION"

    /// A target gets its execution, `image`: where it stands in the job's list, and the sequence of the record; nothing if
    /// it is not to be queued any more.
    func executionQueued(
        _ reference: ExecutionReference, _ image: ExecutionImage, target: JobTargets.Target, event: FeedEvent
    ) -> (position: UInt32, sequence: UInt64)? {
        state.withLock { state in
            // When none waits any more, this one has left, and the targets no longer remember who did.
            guard sweepFlags.isEmpty, state.notYetQueuedCount > 0, !state.targets.isExcluded(target.offset) else {
                return nil
            }
            let position = UInt32(state.executions.count)
            state.add(reference, at: position)
            state.noteQueued(upTo: target.end)
            let sequence = changes.append(event) { buffer, revision in
                appendHead(.executionQueued, revision, to: &buffer)
                buffer.append(name: target.name.bytes)
                buffer.append(position)
                buffer.append(target.end)
                image.append(to: &buffer)
            }
            noteRecorded(&state, sequence)
            return (position, sequence)
        }
    }

    /// A target leaves before it was queued. Returns whether there was one to leave.
    func unqueuedTargetRemoved(_ name: ThingName, at now: Int64) -> Bool {
        state.withLock { state in
            guard sweepFlags.isEmpty, state.exclude(name, at: now) else { return false }
            let event = completeIfDone(&state, at: now)
            func append(_ revision: UInt64, to buffer: inout JournalBuffer) {
                appendHead(.targetExcluded, revision, to: &buffer)
                buffer.append(name: name.bytes)
                buffer.append(state.lastUpdatedAt)
                self.append(event.map { .job($0) } ?? .none, state, to: &buffer)
            }
            let sequence =
                if let event {
                    changes.append(event.event(of: identity)) { append($1, to: &$0) }
                } else {
                    changes.record { append(0, to: &$0) }
                }
            noteRecorded(&state, sequence)
            return true
        }
    }

    /// An attempt is deleted. `latestBefore` is what the thing counts as from now on; both are nothing for an attempt
    /// that was not the thing's latest. Returns the record's sequence; nothing if the job was swept after the caller had
    /// looked.
    func executionDeleted(_ deletion: ExecutionDeletion, event: FeedEvent, seen: SweepFlags) -> UInt64? {
        state.withLock { state in
            guard sweepFlags == seen else { return nil }
            state.delete(deletion, thingName: event.thingName)
            var jobEvent: JobEvent?
            if !seen.contains(.deleted) {
                state.touch(at: deletion.at)
                jobEvent = completeIfDone(&state, at: deletion.at)
            }
            let sequence = changes.append(event, jobEvent?.event(of: identity)) { buffer, revision in
                appendHead(.executionDeleted, revision, to: &buffer)
                buffer.append(name: event.thingName.bytes)
                deletion.append(event, to: &buffer)
                append(jobEvent.map { .job($0) } ?? .none, state, to: &buffer)
            }
            noteRecorded(&state, sequence)
            return sequence
        }
    }

    // MARK: Rollout

    /// The next targets to queue; none when all have been handed out or no more are permitted now. Each is handed out
    /// once.
    func takeTargets(atMost limit: Int, minute: Int64, at now: Int64) -> [JobTargets.Target] {
        state.withLock { state in
            guard sweepFlags.isEmpty, state.notYetQueuedCount > 0 else { return [] }
            var count = limit
            if let config = state.configuration.rollout {
                let permitted = state.rolloutWindow.permitted(
                    by: config, notifiedCount: state.notifiedCount, succeededCount: state.counts[.succeeded],
                    minute: minute, at: now)
                count = min(count, permitted)
            }
            var targets: [JobTargets.Target] = []
            targets.reserveCapacity(count)
            while targets.count < count, let target = state.targets.next(&state.rollout) { targets.append(target) }
            state.notifiedCount += UInt32(targets.count)
            if state.configuration.rollout != nil { state.rolloutWindow.queued(targets.count, at: now) }
            return targets
        }
    }

    /// When the next targets are to be queued; nothing when there are no more.
    func nextRolloutDue(minute: Int64, at now: Int64) -> Int64? {
        state.withLock { state in
            guard sweepFlags.isEmpty, !state.isRollingOut, state.notYetQueuedCount > 0,
                !state.targets.isAtEnd(state.rollout)
            else { return nil }
            guard let config = state.configuration.rollout else { return now }
            let permitted = state.rolloutWindow.permitted(
                by: config, notifiedCount: state.notifiedCount, succeededCount: state.counts[.succeeded],
                minute: minute, at: now)
            guard permitted == 0 else { return now }
            return state.rolloutWindow.nextChange(minute: minute, isExponential: config.exponentialRate != nil)
        }
    }
}

/// What is to be known of an attempt that is deleted.
struct ExecutionDeletion {
    var position: UInt32
    var status: JobExecutionStatus
    var wasLatest: Bool
    /// What the thing counts as from now on.
    var latestBefore: JobExecutionStatus?
    var at: Int64
    /// The call that deleted it, if it is to be recognized when it comes again.
    var call: KeyedCall?

    func append(_ event: FeedEvent, to buffer: inout JournalBuffer) {
        buffer.append(position)
        buffer.append(status.rawValue)
        buffer.append(flag: wasLatest)
        buffer.append(latestBefore?.rawValue ?? 0)
        buffer.append(at)
        buffer.append(event.atMilliseconds)
        buffer.append(event.executionNumber)
        buffer.append(event.versionNumber)
        buffer.append(event.retryAttempt)
        buffer.append(flag: event.forceCanceled)
        buffer.append(flag: call != nil)
        guard let call else { return }
        buffer.append(call.key)
        buffer.append(call.fingerprint)
    }

}

extension ExecutionDeletion {
    init(from reader: inout RecordReader) throws(StorageFault) {
        position = try reader.integer()
        status = try reader.status()
        wasLatest = try reader.flag()
        latestBefore = try reader.optionalStatus()
        at = try reader.integer()
    }

    /// What `append` wrote of the event.
    func event(
        job: JobIdentity, thingName: ThingName, from reader: inout RecordReader
    ) throws(StorageFault) -> FeedEvent {
        let at = try reader.integer(Int64.self)
        var event = FeedEvent(.executionDeleted(from: status), by: .fleetOperator, job: job, at: at)
        event.thingName = thingName
        event.executionNumber = try reader.integer()
        event.versionNumber = try reader.integer()
        event.retryAttempt = try reader.integer()
        event.forceCanceled = try reader.flag()
        return event
    }
}

/// What changes of executions do to a job's counts and lists. Replays of the journal come through here too.
extension StoredJob.State {
    mutating func move(from old: JobExecutionStatus, to new: JobExecutionStatus) {
        counts.takeOne(old)
        attempts.takeOne(old)
        counts[new] &+= 1
        attempts[new] &+= 1
    }

    /// A new attempt, QUEUED.
    mutating func add(_ reference: ExecutionReference, at position: UInt32) {
        place(reference, at: position)
        counts[.queued] &+= 1
        attempts[.queued] &+= 1
    }

    mutating func place(_ reference: ExecutionReference, at position: UInt32) {
        while executions.count <= Int(position) { executions.append(.absent) }
        executions[Int(position)] = reference
    }

    mutating func noteQueued(upTo end: JobTargets.Cursor) {
        notYetQueuedCount -= 1
        queuedThingCount &+= 1
        queuedUpTo = end
        if notYetQueuedCount == 0 { targets.dropIndex() }
    }

    /// Whether there was such a target that waited to be queued; now it does not any more.
    mutating func exclude(_ name: ThingName, at now: Int64) -> Bool {
        guard notYetQueuedCount > 0, targets.exclude(name) else { return false }
        notYetQueuedCount -= 1
        if notYetQueuedCount == 0 { targets.dropIndex() }
        touch(at: now)
        return true
    }

    mutating func delete(_ deletion: ExecutionDeletion, thingName: ThingName) {
        place(.deleted, at: deletion.position)
        attempts.takeOne(deletion.status)
        guard deletion.wasLatest else { return }
        counts.takeOne(deletion.status)
        if let latestBefore = deletion.latestBefore { counts[latestBefore] &+= 1 }
        if notYetQueuedCount > 0 { _ = targets.exclude(thingName) }
    }

    /// Why the job is to be aborted now; nothing if it is not.
    fileprivate var abortComment: String? {
        guard !configuration.abortCriteria.isEmpty else { return nil }
        let finishedCount = counts.finishedCount
        for (index, criterion) in configuration.abortCriteria.enumerated() {
            let failedCount = counts.count(of: criterion.failureType)
            guard criterion.fires(failedCount: failedCount, executedCount: finishedCount) else { continue }
            return "abort criterion \(index + 1): \(failedCount) of \(finishedCount) finished things count as "
                + "\(criterion.failureType)"
        }
        return nil
    }
}
