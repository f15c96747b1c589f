import ErrandCore
import Synchronization

/// Executions that left memory and come back when they are asked for.
///
/// The attempts of one job on one thing leave together, so that whoever finds one of them finds the latest; and a call that
/// finds none has changed nothing, so that it can simply be decided again when they are back.
extension MemoryExecutionStore {
    /// Decides a command that may be about executions which are not in memory: again when they are back, and again as long
    /// as some may have left meanwhile.
    func decide(
        _ command: borrowing StoreCommand, from archive: ExecutionArchive, _ describes: inout DescribeLane,
        _ turn: inout Turn
    ) -> StoreOutcome {
        var departures = archive.departures.load(ordering: .acquiring)
        let wasEmpty = archive.isEmpty
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
                describeAgain(run, &describes, &turn, from: archive, since: departures, wasEmpty: wasEmpty)
                return outcome
            }
            // Asked last: to look into the command copies its request.
            guard outcome.isNotFound, let thingName = command.thingOfExecution,
                !wasEmpty || haveLeft(since: &departures, archive)
            else { return outcome }
            // At least once, since somebody else may have brought it back after it was looked for.
            repeat {
                try bringBack(thingName, from: archive)
                outcome = decide(command, &describes, &turn)
            } while outcome.isNotFound && haveLeft(since: &departures, archive)
            return outcome
        } catch {
            return .refused(Self.unreadable(error))
        }
    }

    /// Decides those describes of a run again that found nothing in memory, as above.
    private func describeAgain(
        _ run: Range<Int>, _ lane: inout DescribeLane, _ turn: inout Turn, from archive: ExecutionArchive,
        since start: UInt64, wasEmpty: Bool
    ) {
        for place in run where lane.isNotFound(place) {
            var departures = start
            guard !wasEmpty || haveLeft(since: &departures, archive) else { continue }
            do throws(StorageFault) {
                repeat {
                    try bringBack(ThingName(stored: lane.thingName(of: place)), from: archive)
                    describe(place..<(place + 1), &lane, &turn)
                } while lane.isNotFound(place) && haveLeft(since: &departures, archive)
            } catch {
                lane.refuse(Self.unreadable(error), of: place)
            }
        }
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

    /// All executions of a thing.
    func bringBack(_ thingName: ThingName, from archive: ExecutionArchive) throws(StorageFault) {
        guard !archive.isEmpty else { return }
        try bringBackAll(of: thingName, from: archive)
    }

    /// Whoever has seen that one is absent does not ask whether all are in memory: those who leave are counted after that.
    private func bringBackAll(of thingName: ThingName, from archive: ExecutionArchive) throws(StorageFault) {
        var isCurrent = false
        while !isCurrent {
            let departures = archive.departures.load(ordering: .acquiring)
            let stored = try archive.executions(ofThing: thingName)
            isCurrent = true
            var start = stored.startIndex
            while isCurrent, start < stored.endIndex {
                let job = stored[start].row.job
                let end = stored[start...].firstIndex { $0.row.job != job } ?? stored.endIndex
                isCurrent = restore(stored[start..<end], on: thingName, ifDepartures: departures, archive)
                start = end
            }
        }
    }

    /// Those of a job's executions at `positions` that are not in memory, and the other attempts on their things.
    func bringBack(_ job: StoredJob, at positions: Range<Int>) throws(StorageFault) {
        guard let archive else { return }
        let mayHaveRetries = !job.createdConfiguration.retryCriteria.isEmpty
        var isCurrent = false
        while !isCurrent {
            let departures = archive.departures.load(ordering: .acquiring)
            let stored = try archive.executions(ofJob: job.number, at: positions)
            isCurrent = true
            for index in stored.indices where isCurrent {
                guard let position = UInt32(exactly: stored[index].row.position),
                    job.state.withLock({ $0.isAbsent(position) }), let name = try? ThingName(stored[index].row.thing)
                else { continue }
                if mayHaveRetries {
                    try bringBackAll(of: name, from: archive)
                } else {
                    isCurrent = restore(stored[index...index], on: name, ifDepartures: departures, archive)
                }
            }
        }
    }

    /// All attempts of one job on a thing, in one hold of the stripe's lock: nobody finds some of them. Returns false if
    /// others have left since they were read.
    private func restore(
        _ attempts: ArraySlice<ExecutionArchive.StoredExecution>, on thingName: ThingName,
        ifDepartures departures: UInt64, _ archive: ExecutionArchive
    ) -> Bool {
        guard let number = attempts.first?.row.job,
            let job = jobs.withLock({ $0.job(number: UInt64(bitPattern: number)) })
        else { return true }
        let (stripe, hash) = stripe(of: thingName)
        var turn = Turn(at: Int64.min)
        return stripe.content.withLock { stripe in
            guard archive.departures.load(ordering: .acquiring) == departures else { return false }
            for attempt in attempts {
                // Deleted ones are known too; their rows go with the next checkpoint.
                guard let position = UInt32(exactly: attempt.row.position),
                    job.state.withLock({ $0.isAbsent(position) })
                else { continue }
                let reference = stripe.restore(
                    attempt.body, of: job, on: thingName, hash: hash, at: position, &turn)
                job.state.withLock { $0.place(reference, at: position) }
                archive.count.subtract(1, ordering: .relaxed)
            }
            return true
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

extension StoreOutcome {
    fileprivate var isNotFound: Bool {
        if case .refused(let refusal) = self { refusal.code == .notFound } else { false }
    }
}

extension DescribeLane {
    fileprivate func isNotFound(_ place: Int) -> Bool { refusal(of: place)?.code == .notFound }
}
