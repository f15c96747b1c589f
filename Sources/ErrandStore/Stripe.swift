import ErrandCore
import Synchronization

/// One execution where it is stored.
struct ExecutionSlot {
    static let none = UInt32.max
    static let notArmed = Int64.max

    var record: ExecutionRecord
    /// `StoredJob.vacant` in a slot that is free.
    var job: StoredJob
    var log = ExecutionLog()
    var calls = RememberedCalls()
    let thing: UInt32
    /// The next older execution of the same thing, or `none`.
    var previousOfThing: UInt32
    /// Its place in the order in which the thing's executions were queued.
    let sequence: UInt32
    /// Its place among the job's executions.
    let jobPosition: UInt32
    /// When it was started, in the thing's own counting; 0 if it never was.
    var startSequence: UInt32 = 0
    /// The deadline of its live entry in the heap. Not after the record's own deadline.
    var armedDeadline = notArmed
    /// Of the newest record that is about it.
    var lastSequence: UInt64 = 0
    /// Whether its row is older than that.
    var isDirty = false
    /// What the record does not say of the change that made it.
    var newestChange = ExecutionLog.NewestChange()

    /// What the record shows gets an entry of its own, before another comes behind it.
    mutating func logNewestChange() {
        guard !newestChange.isEmpty else { return }
        log.append(
            newestChange.event(record.facts), details: record.statusDetails, queuedAt: record.queuedAtMilliseconds)
        newestChange = ExecutionLog.NewestChange()
    }
}

/// What is the same for all that one call to the store decides, and what it brought about.
struct Turn {
    let now: Int64
    /// The earliest of the times that it set and at which something will be due.
    private(set) var earliestDue = Int64.max
    /// Jobs that were canceled because too many of their things failed; their executions are yet to be worked off.
    var abortedJobs: [StoredJob] = []

    /// The newest record of what it changed or has seen: what it shows is durable with that one.
    private(set) var sequence: UInt64 = 0

    init(at now: Int64) { self.now = now }

    mutating func depends(on sequence: UInt64) { self.sequence = max(self.sequence, sequence) }

    /// Its flag is set before its record has a sequence, both under its lock.
    mutating func depends(onDeletionOf job: StoredJob) {
        guard job.sweepFlags.contains(.deleted) else { return }
        depends(on: job.state.withLock { $0.lastSequence })
    }

    mutating func willBeDue(at time: Int64) { earliestDue = min(earliestDue, time) }
}

/// The things of one stripe and all their executions, guarded by the stripe's lock.
///
/// The executions of a thing are chained from the newest to the oldest through their slots.
struct Stripe: ~Copyable {
    let number: UInt16
    let rules: ExecutionRules
    let changes: ChangeFeed
    var things = ThingTable()
    var slots: ContiguousArray<ExecutionSlot> = []
    var freeSlots: ContiguousArray<UInt32> = []
    var deadlines = DeadlineHeap()
    /// Slots whose rows are out of date; one may stand here twice, or be free by now.
    var dirtySlots: ContiguousArray<UInt32> = []
    /// Rows that are to go, and the records that say so.
    var removedRows: ContiguousArray<RemovedRow> = []

    struct RemovedRow {
        var jobNumber: UInt64
        var position: UInt32
        var sequence: UInt64
    }

    init(number: UInt16, rules: ExecutionRules, changes: ChangeFeed) {
        self.number = number
        self.rules = rules
        self.changes = changes
    }

    var executionCount: Int { slots.count - freeSlots.count }

    // MARK: Finding

    /// The slot of the latest attempt, or of the attempt with that number.
    func slot(
        of jobId: borrowing JobId, on thingName: borrowing ThingName, hash: UInt32, executionNumber: Int64?
    ) -> Int? {
        slot(of: jobId.bytes, on: thingName.bytes, hash: hash, executionNumber: executionNumber)
    }

    /// The same by the names' bytes.
    func slot(of jobId: RawSpan, on thingName: RawSpan, hash: UInt32, executionNumber: Int64?) -> Int? {
        var next = things.newestSlot(of: thingName, hash: hash)
        let slots = slots.span
        while next != ExecutionSlot.none {
            let slot = Int(next)
            if slots[slot].job.id.bytes.hasSameBytes(as: jobId),
                executionNumber == nil || slots[slot].record.executionNumber == executionNumber,
                !slots[slot].job.sweepFlags.contains(.deleted)
            {
                return slot
            }
            next = slots[slot].previousOfThing
        }
        return nil
    }

    /// Whether `settle` has nothing to do: no deadline has passed, and the job is not being swept.
    func isSettled(_ slot: Int, at now: Int64) -> Bool {
        let slots = slots.span
        return slots[slot].armedDeadline > now && slots[slot].job.sweepFlags.isEmpty
    }

    /// An execution that is up to date, and what was known of its job's sweep when it was looked at.
    struct Found {
        let slot: Int
        let seen: SweepFlags
    }

    /// As `slot(of:)`, after everything that is due for it has happened.
    mutating func find(
        _ jobId: borrowing JobId, on thingName: borrowing ThingName, hash: UInt32, executionNumber: Int64?,
        _ turn: inout Turn
    ) -> Found? {
        while let slot = slot(of: jobId, on: thingName, hash: hash, executionNumber: executionNumber) {
            let thing = slots[slot].thing
            let newest = things.newestSlot(of: thing)
            guard let seen = settle(slot, &turn) else { continue }
            // It may just have timed out and been followed by a retry.
            if executionNumber != nil || things.newestSlot(of: thing) == newest {
                turn.depends(on: slots[slot].lastSequence)
                return Found(slot: slot, seen: seen)
            }
        }
        dependOnAbsence(of: jobId, on: thingName, hash: hash, &turn)
        return nil
    }

    /// An execution is not found any more when it was deleted, and as soon as its job is being deleted, which the job's
    /// record says before any of the thing does.
    func dependOnAbsence(
        of jobId: borrowing JobId, on thingName: borrowing ThingName, hash: UInt32, _ turn: inout Turn
    ) {
        guard let thing = things.index(of: thingName, hash: hash) else { return }
        turn.depends(on: things[thing].lastRecordSequence)
        var next = things.newestSlot(of: thing)
        while next != ExecutionSlot.none {
            let slot = Int(next)
            if slots[slot].job.id == jobId { turn.depends(onDeletionOf: slots[slot].job) }
            next = slots[slot].previousOfThing
        }
    }

    /// Says what is missing.
    func notFound(_ jobId: JobId, _ thingName: ThingName, hash: UInt32, executionNumber: Int64?) -> Refusal {
        guard let thing = things.index(of: thingName, hash: hash),
            things.newestSlot(of: thing) != ExecutionSlot.none
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

    /// Calls `body` with every execution of the thing that is open after everything due has happened.
    mutating func forEachOpen(of thing: UInt32, _ turn: inout Turn, _ body: (borrowing Stripe, Found) -> Void) {
        var end = ExecutionSlot.none
        var remaining = things[thing].openCount
        turn.depends(on: things[thing].lastRecordSequence)
        // Once more if retries were queued meanwhile; those are open and stay so.
        while true {
            let newest = things.newestSlot(of: thing)
            var next = newest
            while remaining > 0, next != end {
                let slot = Int(next)
                if !slots[slot].record.status.isTerminal {
                    remaining -= 1
                    if let seen = settle(slot, &turn), !slots[slot].record.status.isTerminal {
                        body(self, Found(slot: slot, seen: seen))
                    }
                }
                next = slots[slot].previousOfThing
            }
            if things.newestSlot(of: thing) == newest { return }
            end = newest
            remaining = things[thing].openCount
        }
    }

    /// `$next`: the head of the thing's pending list.
    mutating func head(of thing: UInt32, _ turn: inout Turn) -> Found? {
        var head: (found: Found, place: PageToken.PendingPlace)?
        let asOf = UInt32.max
        forEachOpen(of: thing, &turn) { stripe, found in
            let place = stripe.pendingPlace(of: found.slot, asOf: asOf)
            if let head, head.place < place { return }
            head = (found, place)
        }
        return head?.found
    }

    /// Where an open execution stands in its thing's pending list, as it was ordered at `asOf`.
    func pendingPlace(of slot: Int, asOf: UInt32) -> PageToken.PendingPlace {
        let isQueued = slots[slot].record.status == .queued
        return PageToken.PendingPlace(
            asOfSequence: asOf, wasQueued: isQueued || slots[slot].startSequence > asOf,
            queuedAt: slots[slot].record.queuedAtMilliseconds, sequence: slots[slot].sequence)
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
            guard settleSlowly(slot, &turn) != nil else { continue }
            if slots[slot].record.status == .timedOut { timedOut += 1 }
            // Its entry is gone from the heap; one for a later deadline takes its place.
            arm(slot, &turn)
        }
        return (looked, timedOut)
    }

    /// Sees to it that the heap has an entry that comes up no later than the execution's deadline.
    mutating func arm(_ slot: Int, _ turn: inout Turn) {
        let armed = slots[slot].armedDeadline
        guard let deadline = slots[slot].record.deadlineMilliseconds else {
            disarm(slot)
            return
        }
        guard deadline < armed else { return }
        if armed != ExecutionSlot.notArmed { deadlines.noteStale() }
        deadlines.insert(deadline, slot: UInt32(slot))
        slots[slot].armedDeadline = deadline
        turn.willBeDue(at: deadline)
        sweepDeadlines()
    }

    mutating func disarm(_ slot: Int) {
        guard slots[slot].armedDeadline != ExecutionSlot.notArmed else { return }
        slots[slot].armedDeadline = ExecutionSlot.notArmed
        deadlines.noteStale()
        sweepDeadlines()
    }

    private mutating func sweepDeadlines() {
        let slots = slots
        deadlines.sweepIfMostlyStale { slots[Int($0.slot)].armedDeadline == $0.deadline }
    }
}
