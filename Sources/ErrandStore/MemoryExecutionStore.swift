package import ErrandCore
import Synchronization

/// Executions in memory, decided inline under striped locks. What it shows is as durable as the process.
///
/// A thing and all its executions live in one stripe, chosen by the hash of its name, so a call on an execution
/// takes one lock and touches no other stripe; calls on different things mostly meet only in the change feed.
///
/// **Lock order**: job table, then stripe, then job state, then change feed; never two stripes, nor two jobs, at once.
/// The job table is for calls on jobs only. Nobody outside is called under a lock.
package final class MemoryExecutionStore: ExecutionStore {
    /// How many executions a call may look at for one page of a filtered list.
    static let scanLimit = 5000

    /// A stripe and its lock, each in its own allocation, so that neighbours do not share a cache line by design.
    final class LockedStripe: Sendable {
        let content: Mutex<Stripe>
        let placesHint: PlacesHint

        init(number: UInt16, rules: ExecutionRules, changes: ChangeFeed) {
            let stripe = Stripe(number: number, rules: rules, changes: changes)
            placesHint = stripe.things.hint
            content = Mutex(stripe)
        }
    }

    let stripes: ContiguousArray<LockedStripe>
    let jobs: Mutex<JobTable>
    let earliestDue = EarliestDue()
    let rules: ExecutionRules
    package let changes: ChangeFeed
    /// What is not in memory, in a store that has more than that.
    let archive: ExecutionArchive?
    let stripeMask: UInt64
    let nameHash: NameHash

    /// `stripeCount` is a power of two, at most 65,536. `firstRevision` is that of the first change: see `ChangeFeed`.
    package convenience init(
        rules: ExecutionRules, stripeCount: Int = 64, limits: StoreLimits = StoreLimits(), firstRevision: UInt64 = 1,
        nameHash: NameHash = NameHash()
    ) {
        self.init(
            rules: rules, stripeCount: stripeCount, limits: limits,
            changes: ChangeFeed(firstRevision: firstRevision, limits: limits), nameHash: nameHash)
    }

    /// With a feed that records what it is given.
    init(
        rules: ExecutionRules, stripeCount: Int = 64, limits: StoreLimits, changes: ChangeFeed,
        archive: ExecutionArchive? = nil, nameHash: NameHash = NameHash()
    ) {
        self.nameHash = nameHash
        self.archive = archive
        precondition(
            stripeCount > 0 && stripeCount <= 65_536 && stripeCount & (stripeCount - 1) == 0,
            "the number of stripes is a power of two up to 65,536")
        self.rules = rules
        jobs = Mutex(JobTable(limits: limits))
        stripeMask = UInt64(stripeCount - 1)
        self.changes = changes
        stripes = ContiguousArray(
            (0..<stripeCount).map { LockedStripe(number: UInt16($0), rules: rules, changes: changes) })
    }

    package func submit(_ batch: CommandBatch, at nowMilliseconds: Int64) {
        _ = decide(batch, at: nowMilliseconds)
        batch.complete()
    }

    /// Fills in the outcomes. Returns the sequence of the newest record that they show.
    func decide(
        _ batch: CommandBatch, at nowMilliseconds: Int64, refusingChanges refusal: Refusal? = nil
    ) -> UInt64 {
        var turn = Turn(at: nowMilliseconds)
        // In local variables, because each access to a variable of a class is checked at run time.
        let commands = batch.commands
        let archive = archive
        var outcomes: [StoreOutcome] = []
        swap(&outcomes, &batch.outcomes)
        var describes = DescribeLane()
        swap(&describes, &batch.describes)
        outcomes.reserveCapacity(commands.count)
        var warmEnd = 0
        for index in commands.indices {
            if index == warmEnd { warmEnd = warmUpdates(commands, from: index) }
            if let refusal, commands[index].isChange {
                outcomes.append(.refused(refusal))
                continue
            }
            if let archive {
                outcomes.append(decide(commands[index], from: archive, &describes, &turn))
            } else {
                outcomes.append(decide(commands[index], &describes, &turn))
            }
            if !turn.abortedJobs.isEmpty { sweepAborted(&turn) }
            changes.publishIfMany()
        }
        changes.publish()
        swap(&outcomes, &batch.outcomes)
        swap(&describes, &batch.describes)
        earliestDue.willBeDue(at: turn.earliestDue)
        return turn.sequence
    }

    package func onEarlierDue(_ notify: @escaping @Sendable (_ dueMilliseconds: Int64) -> Void) {
        earliestDue.onEarlier(notify)
    }

    package var counts: StoreCounts {
        StoreCounts(
            jobCount: UInt64(jobs.withLock { $0.completeCount }),
            executionCount: stripes.reduce(UInt64(clamping: archive?.count.load(ordering: .relaxed) ?? 0)) {
                $0 + UInt64($1.content.withLock { $0.executionCount })
            })
    }

    /// The stripe of a thing, and its hash inside that stripe.
    func stripe(of thingName: borrowing ThingName) -> (stripe: LockedStripe, hash: UInt32) {
        let hash = nameHash(thingName.bytes)
        return (stripes[Int(hash & stripeMask)], UInt32(truncatingIfNeeded: hash >> 32))
    }

    /// Runs `body` under the lock of the stripe of that hash.
    @inline(__always)
    func withStripe<Result>(of hash: UInt64, _ body: (inout Stripe, _ hash: UInt32) -> Result) -> Result {
        stripes[Int(hash & stripeMask)].content.withLock { body(&$0, UInt32(truncatingIfNeeded: hash >> 32)) }
    }

    private func withStripe<Result>(
        of thingName: borrowing ThingName, _ body: (inout Stripe, _ hash: UInt32) -> Result
    ) -> Result {
        withStripe(of: nameHash(thingName.bytes), body)
    }

    func decide(
        _ command: borrowing StoreCommand, _ describes: inout DescribeLane, _ turn: inout Turn
    ) -> StoreOutcome {
        // What is decided of a job as a whole may rest on anything. What a read shows is told apart, so that reads of
        // what is durable go on when nothing more becomes so.
        defer { if command.isChangeOfJob { turn.depends(on: changes.recordedSequence) } }
        switch command {
        case .describe(let run):
            describe(run, &describes, &turn)
            return .described
        case .describeOwn(let request):
            return withStripe(of: request.thingName) { $0.describeOwn(request, hash: $1, &turn) }
        case .update(let request):
            return withStripe(of: request.thingName) { $0.update(request, hash: $1, &turn) }
        case .cancel(let request):
            return withStripe(of: request.thingName) { $0.cancel(request, hash: $1, &turn) }
        case .startNext(let request):
            return withStripe(of: request.thingName) { $0.startNext(request, hash: $1, &turn) }
        case .getPending(let request):
            return withStripe(of: request.thingName) { $0.pending(request, hash: $1, &turn) }
        case .listForThing(let request):
            return withStripe(of: request.thingName) {
                $0.list(request, hash: $1, scanLimit: Self.scanLimit, &turn)
            }
        case .listForJob(let request): return listForJob(request, &turn)
        case .createJob(let request): return createJob(request, &turn)
        case .addJobTargets(let request): return addJobTargets(request, &turn)
        case .describeJob(let request): return describeJob(request, &turn)
        case .cancelJob(let request): return cancelJob(request, &turn)
        case .deleteJob(let request): return deleteJob(request, &turn)
        case .updateJob(let request): return updateJob(request, &turn)
        case .listJobs(let request): return listJobs(request, &turn)
        case .getJobDocument(let request): return getJobDocument(request, &turn)
        case .removeJobTargets(let request): return removeJobTargets(request, &turn)
        case .deleteExecution(let request): return deleteExecution(request, &turn)
        case .getHistory(let request):
            return withStripe(of: request.thingName) { $0.history(request, hash: $1, &turn) }
        }
    }
}
