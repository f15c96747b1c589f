import ErrandCore
import Synchronization

/// Executions that left memory and come back when they are asked for.
///
/// The attempts of one job on one thing leave together, so that whoever finds one of them finds the latest; and a call that
/// finds none has changed nothing, so that it can simply be decided again when they are back.
extension MemoryExecutionStore {
    /// Decides a command that may be about executions which are not in memory: again when they are back, and again when
    /// they may have left meanwhile.
    func decide(
        _ command: borrowing StoreCommand, from archive: ExecutionArchive, _ describes: inout DescribeLane,
        _ turn: inout Turn
    ) -> StoreOutcome {
        var departures = archive.departures.load(ordering: .acquiring)
        do throws(StorageFault) {
            if let thingName = command.thingOfList {
                while true {
                    try bringBack(thingName, from: archive)
                    let outcome = decide(command, &describes, &turn)
                    guard haveLeft(since: &departures, archive) else { return outcome }
                }
            }
            var outcome = decide(command, &describes, &turn)
            if let run = command.describeRun {
                describeAgain(run, &describes, &turn, from: archive, since: departures)
                return outcome
            }
            while case .refused(let refusal) = outcome, refusal.code == .notFound,
                let thingName = command.thingOfExecution, try mayFind(thingName, since: &departures, archive)
            {
                outcome = decide(command, &describes, &turn)
            }
            return outcome
        } catch {
            return .refused(Self.unreadable(error))
        }
    }

    /// Decides those describes of a run again that found nothing in memory, if there is more of their things in the tables.
    private func describeAgain(
        _ run: Range<Int>, _ lane: inout DescribeLane, _ turn: inout Turn, from archive: ExecutionArchive,
        since start: UInt64
    ) {
        for place in run {
            var departures = start
            do throws(StorageFault) {
                while lane.refusal(of: place)?.code == .notFound,
                    try mayFind(ThingName(stored: lane.thingName(of: place)), since: &departures, archive)
                {
                    describe(place..<(place + 1), &lane, &turn)
                }
            } catch {
                lane.refuse(Self.unreadable(error), of: place)
            }
        }
    }

    /// Whether who has found nothing of a thing may find something now: because it was brought back, or because some have
    /// left since they began, which `departures` says.
    private func mayFind(
        _ thingName: ThingName, since departures: inout UInt64, _ archive: ExecutionArchive
    ) throws(StorageFault) -> Bool {
        let haveLeft = haveLeft(since: &departures, archive)
        return try bringBack(thingName, from: archive) || haveLeft
    }

    /// Whether executions have left memory since `departures` was looked at.
    private func haveLeft(since departures: inout UInt64, _ archive: ExecutionArchive) -> Bool {
        let before = departures
        departures = archive.departures.load(ordering: .acquiring)
        return departures != before
    }

    static func unreadable(_ fault: StorageFault) -> Refusal {
        Refusal(.unavailable, "what is not in memory could not be read. \(fault)")
    }

    /// All executions of a thing. Returns whether there was any to bring back.
    @discardableResult
    func bringBack(_ thingName: ThingName, from archive: ExecutionArchive) throws(StorageFault) -> Bool {
        var isAny = false
        while !archive.isEmpty {
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
            if isCurrent { break }
        }
        return isAny
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
                        archive.count.add(count, ordering: .relaxed)
                        archive.departures.add(1, ordering: .acquiringAndReleasing)
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
        let mayGo = job.state.withLock { state in
            // Who deletes the job sets the flag under this lock, and then looks for them.
            guard job.sweepFlags.isDisjoint(with: .deleted) else { return false }
            for attempt in attempts { state.place(.absent, at: slots[attempt].jobPosition) }
            return true
        }
        guard mayGo else { return 0 }
        for attempt in attempts { free(attempt) }
        return attempts.count
    }
}

extension StoreCommand {
    /// Whose finished executions are to be shown too.
    fileprivate var thingOfList: ThingName? {
        if case .listForThing(let request) = self { request.thingName } else { nil }
    }

    fileprivate var describeRun: Range<Int>? { if case .describe(let run) = self { run } else { nil } }

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
