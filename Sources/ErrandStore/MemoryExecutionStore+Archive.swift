import ErrandCore
import Synchronization

/// Executions that left memory and come back when they are asked for.
///
/// The attempts of one job on one thing leave together, so that whoever finds one of them finds the latest; and a call that
/// finds none has changed nothing, so that it can simply be decided again when they are back.
extension MemoryExecutionStore {
    /// What is due to be looked for in the tables after `outcome`, and brings it back. Returns whether the command is to be
    /// decided again.
    func bringBack(_ command: borrowing StoreCommand, after outcome: StoreOutcome) throws(StorageFault) -> Bool {
        guard let archive, !archive.isEmpty, case .refused(let refusal) = outcome, refusal.code == .notFound,
            let thingName = command.thingOfExecution
        else { return false }
        return try bringBack(thingName, from: archive)
    }

    /// Decides those describes of a run again that found nothing in memory, if there is more of their things in the tables.
    func describeAgain(
        _ run: Range<Int>, _ lane: inout DescribeLane, _ turn: inout Turn, from archive: ExecutionArchive
    ) throws(StorageFault) {
        for place in run where lane.refusal(of: place)?.code == .notFound {
            guard try bringBack(ThingName(stored: lane.thingName(of: place)), from: archive) else { continue }
            describe(place..<(place + 1), &lane, &turn)
        }
    }

    static func unreadable(_ fault: StorageFault) -> Refusal {
        Refusal(.unavailable, "what is not in memory could not be read. \(fault)")
    }

    /// All executions of a thing. Returns whether there was any to bring back.
    @discardableResult
    func bringBack(_ thingName: ThingName, from archive: ExecutionArchive) throws(StorageFault) -> Bool {
        var isAny = false
        while true {
            let departures = archive.departures.load(ordering: .acquiring)
            let stored = try archive.executions(ofThing: thingName)
            var isCurrent = true
            for execution in stored where isCurrent {
                switch restore(execution, ifDepartures: departures, archive) {
                case .restored: isAny = true
                case .known: break
                case .stale: isCurrent = false
                }
            }
            if isCurrent { return isAny }
        }
    }

    /// Those of a job's executions at `positions` that are not in memory.
    func bringBack(_ job: StoredJob, at positions: Range<Int>) throws(StorageFault) {
        guard let archive, !archive.isEmpty else { return }
        var isCurrent = false
        while !isCurrent {
            let departures = archive.departures.load(ordering: .acquiring)
            isCurrent = true
            for execution in try archive.executions(ofJob: job.number, at: positions) where isCurrent {
                if case .stale = restore(execution, ifDepartures: departures, archive) { isCurrent = false }
            }
        }
    }

    private enum Restored { case restored, known, stale }

    private func restore(
        _ execution: ExecutionArchive.StoredExecution, ifDepartures departures: UInt64, _ archive: ExecutionArchive
    ) -> Restored {
        guard let job = jobs.withLock({ $0.job(number: UInt64(bitPattern: execution.row.job)) }),
            let position = UInt32(exactly: execution.row.position),
            let name = try? ThingName(execution.row.thing)
        else { return .known }
        let (stripe, hash) = stripe(of: name)
        var turn = Turn(at: Int64.min)
        return stripe.content.withLock { stripe in
            guard archive.departures.load(ordering: .acquiring) == departures else { return .stale }
            // Deleted ones are known too; their rows go with the next checkpoint.
            guard job.state.withLock({ $0.isAbsent(position) }) else { return .known }
            let reference = stripe.restore(execution.body, of: job, on: name, hash: hash, at: position, &turn)
            job.state.withLock { $0.place(reference, at: position) }
            archive.count.subtract(1, ordering: .relaxed)
            return .restored
        }
    }

    /// Lets finished executions go that have not changed since `time`, and whose rows are up to date. Looks at some
    /// thousand slots in one hold of a lock. Returns how many have left.
    func letGo(finishedBefore time: Int64) -> Int {
        guard let archive else { return 0 }
        var total = 0
        for stripe in stripes {
            var slot = 0
            var isDone = false
            while !isDone {
                let count = stripe.content.withLock { stripe -> Int in
                    let count = stripe.letGo(from: &slot, atMost: 4096, finishedBefore: time)
                    if count > 0 {
                        archive.departures.add(1, ordering: .acquiringAndReleasing)
                        archive.count.add(count, ordering: .relaxed)
                    }
                    isDone = slot >= stripe.slots.count
                    return count
                }
                total += count
            }
        }
        return total
    }
}

extension Stripe {
    mutating func letGo(from slot: inout Int, atMost limit: Int, finishedBefore time: Int64) -> Int {
        var count = 0
        let end = min(slots.count, slot + limit)
        while slot < end {
            if mayLeave(slot, time) { count += letGoAttempts(like: slot, time) }
            slot += 1
        }
        return count
    }

    private func mayLeave(_ slot: Int, _ time: Int64) -> Bool {
        slots[slot].job !== StoredJob.vacant && slots[slot].record.status.isTerminal && !slots[slot].isDirty
            && slots[slot].record.lastUpdatedAtMilliseconds < time
            && slots[slot].job.sweepFlags.isDisjoint(with: .deleted)
    }

    /// All attempts of a job on a thing, or none.
    private mutating func letGoAttempts(like slot: Int, _ time: Int64) -> Int {
        let job = slots[slot].job
        var attempts: [Int] = []
        var next = things.newestSlot(of: slots[slot].thing)
        while next != ExecutionSlot.none {
            if slots[Int(next)].job === job {
                guard mayLeave(Int(next), time) else { return 0 }
                attempts.append(Int(next))
            }
            next = slots[Int(next)].previousOfThing
        }
        for attempt in attempts {
            job.state.withLock { $0.place(.absent, at: slots[attempt].jobPosition) }
            free(attempt)
        }
        return attempts.count
    }
}

extension StoreCommand {
    /// Whose finished executions are to be shown too.
    var thingOfList: ThingName? { if case .listForThing(let request) = self { request.thingName } else { nil } }

    var describeRun: Range<Int>? { if case .describe(let run) = self { run } else { nil } }

    /// Whose executions it is about, if it is about one that must exist.
    fileprivate var thingOfExecution: ThingName? {
        switch self {
        case .describeOwn(let request): request.jobId == nil ? nil : request.thingName
        case .update(let request): request.thingName
        case .cancel(let request): request.thingName
        case .deleteExecution(let request): request.thingName
        case .getHistory(let request): request.thingName
        default: nil
        }
    }
}
