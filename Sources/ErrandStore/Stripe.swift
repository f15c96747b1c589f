import ErrandCore

/// One execution where it is stored.
struct ExecutionSlot {
    static let none = UInt32.max
    static let notArmed = Int64.max

    var record: ExecutionRecord
    let job: StoredJob
    let thing: UInt32
    /// The next older execution of the same thing, or `none`.
    let previousOfThing: UInt32
    /// Its place in the order in which the thing's executions were queued.
    let sequence: UInt32
    /// When it was started, in the thing's own counting; 0 if it never was.
    var startSequence: UInt32 = 0
    /// The deadline of its live entry in the heap. Not after the record's own deadline.
    var armedDeadline = notArmed
}

/// What is the same for all that one call to the store decides, and what it brought about.
struct Turn {
    let now: Int64
    /// The earliest of the times that it set and at which something will be due.
    private(set) var earliestDue = Int64.max

    init(at now: Int64) { self.now = now }

    mutating func willBeDue(at time: Int64) { earliestDue = min(earliestDue, time) }
}

/// The things of one stripe and all their executions, guarded by the stripe's lock.
///
/// The executions of a thing are chained from the newest to the oldest through their slots.
struct Stripe: ~Copyable {
    let number: UInt16
    let rules: ExecutionRules
    var things = ThingTable()
    var slots: ContiguousArray<ExecutionSlot> = []
    private var deadlines = DeadlineHeap()

    init(number: UInt16, rules: ExecutionRules) {
        self.number = number
        self.rules = rules
    }

    // MARK: Finding

    /// The slot of the latest attempt, or of the attempt with that number.
    func slot(
        of jobId: borrowing JobId, on thingName: borrowing ThingName, hash: UInt32, executionNumber: Int64?
    ) -> Int? {
        guard let thing = things.index(of: thingName, hash: hash) else { return nil }
        var next = things[thing].newestSlot
        while next != ExecutionSlot.none {
            let slot = Int(next)
            if slots[slot].job.id == jobId,
                executionNumber == nil || slots[slot].record.executionNumber == executionNumber
            {
                return slot
            }
            next = slots[slot].previousOfThing
        }
        return nil
    }

    /// Says what is missing.
    func notFound(_ jobId: JobId, _ thingName: ThingName, hash: UInt32, executionNumber: Int64?) -> Refusal {
        guard let thing = things.index(of: thingName, hash: hash),
            things[thing].newestSlot != ExecutionSlot.none
        else {
            return Refusal(.notFound, "thing \(thingName) has no job executions")
        }
        guard let executionNumber,
            let latest = slot(of: jobId, on: thingName, hash: hash, executionNumber: nil)
        else {
            return Refusal(.notFound, "job \(jobId) has no execution on thing \(thingName)")
        }
        return Refusal(
            .notFound,
            "job \(jobId) has no execution with executionNumber \(executionNumber) on thing \(thingName); "
                + "the latest is \(slots[latest].record.executionNumber)")
    }

    /// Calls `body` with the slot of every execution of the thing that is open after due timers have fired.
    mutating func forEachOpen(of thing: UInt32, _ turn: inout Turn, _ body: (borrowing Stripe, Int) -> Void) {
        var remaining = things[thing].openCount
        var next = things[thing].newestSlot
        while remaining > 0, next != ExecutionSlot.none {
            let slot = Int(next)
            if !slots[slot].record.status.isTerminal {
                remaining -= 1
                fireDueTimer(of: slot, &turn)
                if !slots[slot].record.status.isTerminal { body(self, slot) }
            }
            next = slots[slot].previousOfThing
        }
    }

    /// `$next`: the head of the thing's pending list.
    mutating func head(of thing: UInt32, _ turn: inout Turn) -> Int? {
        var head: (slot: Int, place: PageToken.PendingPlace)?
        let asOf = UInt32.max
        forEachOpen(of: thing, &turn) { stripe, slot in
            let place = stripe.pendingPlace(of: slot, asOf: asOf)
            if let head, head.place < place { return }
            head = (slot, place)
        }
        return head?.slot
    }

    /// Where an open execution stands in its thing's pending list, as it was ordered at `asOf`.
    func pendingPlace(of slot: Int, asOf: UInt32) -> PageToken.PendingPlace {
        let execution = slots[slot]
        return PageToken.PendingPlace(
            asOfSequence: asOf,
            wasQueued: execution.record.status == .queued || execution.startSequence > asOf,
            queuedAt: execution.record.queuedAtMilliseconds, sequence: execution.sequence)
    }

    // MARK: Changing

    /// Queues the job's execution on a thing, unless the thing has one already.
    mutating func enqueue(_ job: StoredJob, on thingName: borrowing ThingName, hash: UInt32, at now: Int64) {
        let thing = things.indexInserting(thingName, hash: hash)
        var next = things[thing].newestSlot
        while next != ExecutionSlot.none {
            if slots[Int(next)].job === job {
                job.duplicateTargetFound(at: now)
                return
            }
            next = slots[Int(next)].previousOfThing
        }
        let slot = UInt32(slots.count)
        slots.append(
            ExecutionSlot(
                record: ExecutionRecord(executionNumber: 1, queuedAtMilliseconds: now), job: job, thing: thing,
                previousOfThing: things[thing].newestSlot, sequence: things[thing].takeSequence()))
        things[thing].newestSlot = slot
        things[thing].openCount += 1
        job.executionQueued(ExecutionReference(stripe: number, slot: slot))
    }

    /// Stores what the rules made of an execution. The only place where a stored record changes.
    mutating func replace(_ slot: Int, with record: ExecutionRecord, _ turn: inout Turn) {
        let oldStatus = slots[slot].record.status
        slots[slot].record = record
        if record.status != oldStatus {
            let thing = slots[slot].thing
            if oldStatus == .queued, record.status == .inProgress {
                slots[slot].startSequence = things[thing].takeSequence()
            }
            if record.status.isTerminal { things[thing].openCount -= 1 }
            slots[slot].job.executionMoved(from: oldStatus, to: record.status, at: turn.now)
        }
        arm(slot, &turn)
    }

    /// To be called before anything is read or decided of an execution, so that nobody sees or wins against a
    /// deadline that has passed.
    mutating func fireDueTimer(of slot: Int, _ turn: inout Turn) {
        // The armed deadline is never after the record's, and looking at it copies no record.
        guard slots[slot].armedDeadline <= turn.now,
            let expired = rules.expire(slots[slot].record, at: turn.now)
        else { return }
        replace(slot, with: expired, &turn)
    }

    // MARK: Deadlines

    /// The earliest time at which `fireDueTimers` may have something to do.
    var nextDeadline: Int64? { deadlines.earliest?.deadline }

    /// Ends executions whose deadline has come, looking at no more than `limit` entries.
    mutating func fireDueTimers(limit: Int, _ turn: inout Turn) -> (looked: Int, timedOut: Int) {
        var looked = 0
        var timedOut = 0
        while looked < limit, let entry = deadlines.earliest {
            let slot = Int(entry.slot)
            let isStale = slots[slot].armedDeadline != entry.deadline
            guard isStale || entry.deadline <= turn.now else { break }
            looked += 1
            deadlines.removeEarliest(isStale: isStale)
            if isStale { continue }
            slots[slot].armedDeadline = ExecutionSlot.notArmed
            if let expired = rules.expire(slots[slot].record, at: turn.now) {
                replace(slot, with: expired, &turn)
                timedOut += 1
            } else {
                arm(slot, &turn)
            }
        }
        return (looked, timedOut)
    }

    /// Sees to it that the heap has an entry that comes up no later than the execution's deadline.
    private mutating func arm(_ slot: Int, _ turn: inout Turn) {
        let armed = slots[slot].armedDeadline
        guard let deadline = slots[slot].record.deadlineMilliseconds else {
            guard armed != ExecutionSlot.notArmed else { return }
            slots[slot].armedDeadline = ExecutionSlot.notArmed
            deadlines.noteStale()
            sweepDeadlines()
            return
        }
        guard deadline < armed else { return }
        if armed != ExecutionSlot.notArmed { deadlines.noteStale() }
        deadlines.insert(deadline, slot: UInt32(slot))
        slots[slot].armedDeadline = deadline
        turn.willBeDue(at: deadline)
        sweepDeadlines()
    }

    private mutating func sweepDeadlines() {
        let slots = slots
        deadlines.sweepIfMostlyStale { slots[Int($0.slot)].armedDeadline == $0.deadline }
    }
}
