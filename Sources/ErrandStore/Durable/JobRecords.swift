import ErrandCore

/// A change of a job's status, or of what it insists on, as an event.
struct JobEvent {
    var from: JobStatus?
    var to: JobStatus
    var actor: HistoryActor
    var at: Int64

    func event(of job: JobIdentity) -> FeedEvent { FeedEvent(.job(from: from, to: to), by: actor, job: job, at: at) }

    func append(to buffer: inout JournalBuffer) {
        buffer.append(from?.rawValue ?? 0)
        buffer.append(to.rawValue)
        buffer.append(actor.rawValue)
        buffer.append(at)
    }

    init(_ from: JobStatus?, _ to: JobStatus, by actor: HistoryActor, at: Int64) {
        self.from = from
        self.to = to
        self.actor = actor
        self.at = at
    }

    init(from reader: inout RecordReader) throws(StorageFault) {
        let old = try reader.byte()
        from = JobStatus(rawValue: old)
        guard from != nil || old == 0 else { throw reader.malformed("no such job status") }
        to = try reader.jobStatus()
        actor = try reader.actor()
        at = try reader.integer()
    }
}

/// What a change of an execution, or of a job's targets, brought about for the job besides.
enum Consequence {
    case none
    case retry(position: UInt32, ExecutionImage)
    /// It was completed or aborted; the job's decisions follow in the record.
    case job(JobEvent)

    var jobEvent: JobEvent? { if case .job(let event) = self { event } else { nil } }
}

/// The records of a job, and the sequences that they got. All only under the lock of `state`.
extension StoredJob {
    /// Remembers that a record says what has become of the job.
    func noteRecorded(_ state: inout State, _ sequence: UInt64) {
        guard sequence > 0 else { return }
        state.lastSequence = sequence
        state.isDirty = true
    }

    /// How each record begins that is about the job or one of its executions.
    func appendHead(_ kind: RecordKind, _ revision: UInt64, to buffer: inout JournalBuffer) {
        buffer.append(kind.rawValue)
        buffer.append(revision)
        buffer.append(number)
        buffer.append(name: id.bytes)
    }

    /// Records what was decided of the job as a whole, with its event. `deletion` is remembered with it.
    func recordDecisions(_ event: JobEvent, _ state: inout State, deletion: KeyedCall? = nil) {
        let sequence = changes.append(event.event(of: identity)) { buffer, revision in
            appendDecisionsRecord(state, revision, event, deletion, to: &buffer)
        }
        noteRecorded(&state, sequence)
    }

    /// The same without an event.
    func recordDecisions(_ state: inout State) {
        let sequence = changes.record { appendDecisionsRecord(state, 0, nil, nil, to: &$0) }
        noteRecorded(&state, sequence)
    }

    private func appendDecisionsRecord(
        _ state: borrowing State, _ revision: UInt64, _ event: JobEvent?, _ deletion: KeyedCall?,
        to buffer: inout JournalBuffer
    ) {
        appendHead(.jobChanged, revision, to: &buffer)
        buffer.append(flag: event != nil)
        event?.append(to: &buffer)
        appendDecisions(state, to: &buffer)
        buffer.append(flag: deletion != nil)
        if let deletion {
            buffer.append(deletion.key)
            buffer.append(deletion.fingerprint)
        }
    }

    /// Records targets that were received, from that position on; the first ones with how the job was created.
    func recordTargets(from position: Int, isFirst: Bool, _ state: inout State) {
        func append(_ revision: UInt64, to buffer: inout JournalBuffer) {
            appendHead(isFirst ? .jobBegun : .targetsReceived, revision, to: &buffer)
            buffer.append(state.lastProgressAt)
            if isFirst { appendCreation(to: &buffer) }
            buffer.append(state.creationNumber)
            state.targets.append(from: position, atMost: Int.max - position, to: &buffer)
        }
        let sequence =
            if state.isStaged {
                changes.record { append(0, to: &$0) }
            } else {
                changes.append(Self.birth(state).event(of: identity)) { append($1, to: &$0) }
            }
        noteRecorded(&state, sequence)
    }

    /// The event that says that the job exists.
    static func birth(_ state: borrowing State) -> JobEvent {
        JobEvent(nil, state.status, by: .fleetOperator, at: state.createdAt)
    }

    /// Records that the job and all that it had is gone.
    func recordGone(_ state: inout State, wasStaged: Bool) {
        let from = state.status
        let at = state.lastUpdatedAt
        func append(_ revision: UInt64, to buffer: inout JournalBuffer) {
            appendHead(.jobGone, revision, to: &buffer)
            buffer.append(from.rawValue)
            buffer.append(at)
        }
        let sequence =
            if wasStaged {
                changes.record { append(0, to: &$0) }
            } else {
                changes.append(FeedEvent(.jobDeleted(from: from), by: .fleetOperator, job: identity, at: at)) {
                    append($1, to: &$0)
                }
            }
        noteRecorded(&state, sequence)
    }

    /// Appends what the change of an execution brought about.
    func append(_ consequence: Consequence, _ state: borrowing State, to buffer: inout JournalBuffer) {
        switch consequence {
        case .none: buffer.append(UInt8(0))
        case .retry(let position, let image):
            buffer.append(UInt8(1))
            buffer.append(position)
            image.append(to: &buffer)
        case .job(let event):
            buffer.append(UInt8(2))
            event.append(to: &buffer)
            appendDecisions(state, to: &buffer)
        }
    }
}
