import ErrandCore
import ErrandStore
import Testing

/// Some hundred thousand random calls, each made to the store and to `ModelStore`; what they answer must agree.
///
/// Few things, few job ids and short timers, so that calls collide. Time moves between calls, often without an
/// `advance`, so that timers fire on access as well. A failure prints its seed and step; the seed repeats it.
@Suite(.timeLimit(.minutes(1)))
struct ModelCheckTests {
    @Test(arguments: StoreUnderTest.allCases, 0..<UInt64(25))
    func storeAgreesWithTheModel(_ subject: StoreUnderTest, _ seed: UInt64) throws {
        // Those that read everything again and again are slow, and no seed is better than another.
        guard seed < 8 || StoreUnderTest.withoutRestarts.contains(subject) else { return }
        var check = ModelCheck(subject, seed: seed)
        for step in 0..<2500 {
            let mismatch = try check.step()
            try #require(mismatch == nil, "seed \(seed), step \(step)")
        }
        // A store that is opened again keeps the last events only.
        guard StoreUnderTest.withoutRestarts.contains(subject) else { return }
        let mismatch = try check.events()
        #expect(mismatch == nil, "seed \(seed)")
    }
}

private struct ModelCheck {
    let store: StoreDriver
    var model = ModelStore(minute: 1000)
    var random: SeededGenerator
    var now: Int64 = 1000
    let things = (0..<6).map { "thing:\($0)" }
    let jobs = (0..<40).map { "job-\($0)" }

    init(_ subject: StoreUnderTest, seed: UInt64) {
        store = subject.make(minuteLengthMilliseconds: 1000)
        random = SeededGenerator(seed: seed)
    }

    /// Makes one call; says what differs.
    mutating func step() throws -> String? {
        if chance(4) { now += Int64.random(in: 0...1500, using: &random) }
        switch Int.random(in: 0..<20, using: &random) {
        case 0: return try create()
        case 1..<7: return try update()
        case 7..<9: return try cancel()
        case 9..<11: return try startNext()
        case 11..<13: return try describe()
        case 13: return try peek()
        case 14: return try pending()
        case 15: return try listForThing()
        case 16: return try listForJob()
        case 17: return try job()
        case 18: return try chance(3) ? cancelJob() : describeOwn()
        default:
            let fired = model.advance(to: now)
            let result = store.store.advance(to: now, limit: 1_000_000)
            guard result.timedOutCount == fired else { return "advance fired \(result.timedOutCount), not \(fired)" }
            return result.nextDueMilliseconds.map { $0 <= now } == true ? "something due is left" : nil
        }
    }

    private mutating func create() throws -> String? {
        let id = one(of: jobs)
        let count = Int.random(in: 1...4, using: &random)
        let targets = (0..<count).map { _ in one(of: things) }
        let timeout = chance(2) ? Int64.random(in: 1...9, using: &random) : nil
        let code = model.create(id, targets, timeout: timeout, document: "{}", at: now)
        let outcome = try store.create(id, on: targets, timeout: timeout, at: now)
        return differ("create \(id)", code, outcome)
    }

    private mutating func update() throws -> String? {
        let (id, thing) = pick()
        let status = one(
            of: [.inProgress, .inProgress, .inProgress, .succeeded, .failed, .rejected] as [JobExecutionStatus])
        let details = chance(2) ? someDetails() : nil
        let (merge, step) = (chance(2), chance(2) ? one(of: [-1, 1, 2, 5] as [Int64]) : nil)
        let expected = someVersion(id, thing)
        var code = StatusCode.notFound
        let index = model.index(id, thing)
        if let index {
            code = model.update(
                index, to: status, details: details, merge: merge, expected: expected, step: step, at: now)
        }
        let outcome = try store.update(
            id, thing, status, details: try details.map(flat), merge: merge, expectedVersion: expected, step: step,
            includeState: true, at: now)
        return differ("update \(id) \(thing) \(status)", code, outcome) ?? differ(outcome.change, index)
    }

    private mutating func cancel() throws -> String? {
        let (id, thing) = pick()
        let details = chance(3) ? someDetails() : nil
        let (force, expected) = (chance(2), someVersion(id, thing))
        var code = StatusCode.notFound
        if let index = model.index(id, thing) {
            code = model.cancel(index, force: force, details: details, expected: expected, at: now)
        }
        let outcome = try store.cancel(
            id, thing, force: force, expectedVersion: expected, details: try details.map(flat), at: now)
        return differ("cancel \(id) \(thing)", code, outcome)
    }

    private mutating func cancelJob() throws -> String? {
        let (id, force) = (one(of: jobs), chance(2))
        let code = model.cancelJob(id, force: force, at: now)
        return differ("cancelJob \(id)", code, try store.cancelJob(id, force: force, at: now))
    }

    private mutating func startNext() throws -> String? {
        let thing = one(of: things)
        let details = chance(2) ? someDetails() : nil
        let step = chance(2) ? Int64.random(in: 1...5, using: &random) : nil
        let index = model.startNext(thing, details: details, step: step, at: now)
        let outcome = try store.startNext(thing, details: try details.map(flat), step: step, at: now)
        return differ("startNext \(thing)", outcome.execution, index)
    }

    private mutating func describe() throws -> String? {
        let (id, thing) = pick()
        let index = model.index(id, thing)
        if let index { model.look(at: index, now: now) }
        return differ("describe \(id) \(thing)", try store.describe(id, thing, at: now).execution, index)
    }

    private mutating func describeOwn() throws -> String? {
        let (id, thing) = pick()
        let request = DescribeOwnJobExecutionRequest(jobId: try JobId(id), thingName: try ThingName(thing))
        let outcome = store.outcome(of: .describeOwn(request), at: now)
        guard let index = model.index(id, thing) else { return differ("own", .notFound, outcome) }
        model.look(at: index, now: now)
        guard model.executions[index].isOpen else { return differ("own", .terminalState, outcome) }
        return differ("describeOwn \(id) \(thing)", outcome.execution, index)
    }

    private mutating func peek() throws -> String? {
        let thing = one(of: things)
        for index in model.pending(thing) { model.look(at: index, now: now) }
        return differ("$next of \(thing)", try store.peekNext(thing, at: now).execution, model.pending(thing).first)
    }

    private mutating func pending() throws -> String? {
        let thing = one(of: things)
        for index in model.pending(thing) { model.look(at: index, now: now) }
        let list = try #require(try store.pending(thing, max: 250, at: now).pending)
        let expected = model.pending(thing)
        guard list.totalCount == expected.count, list.nextToken == nil else { return "pending counts of \(thing)" }
        return differ("pending of \(thing)", list.all, expected)
    }

    private mutating func listForThing() throws -> String? {
        let thing = one(of: things)
        let status = chance(2) ? one(of: JobExecutionStatus.allCases) : nil
        let all = model.executions.indices.filter { model.executions[$0].thing == thing }
        for index in all { model.look(at: index, now: now) }
        let expected = all.reversed().filter { status == nil || model.executions[$0].status == status }
        let page = try #require(try store.listForThing(thing, status: status, at: now).page)
        return differ("list of \(thing)", page.executions, expected)
    }

    private mutating func listForJob() throws -> String? {
        let id = one(of: jobs)
        let status = chance(2) ? one(of: JobExecutionStatus.allCases) : nil
        let outcome = try store.listForJob(id, status: status, at: now)
        guard model.jobs[id] != nil else { return differ("list of \(id)", .notFound, outcome) }
        let all = model.executions.indices.filter { model.executions[$0].job == id }
        for index in all { model.look(at: index, now: now) }
        let expected = all.filter { status == nil || model.executions[$0].status == status }
        return differ("list of \(id)", try #require(outcome.page).executions, expected)
    }

    private mutating func job() throws -> String? {
        let id = one(of: jobs)
        let shown = try store.job(id, at: now)
        guard let job = model.jobs[id], let shown else {
            return model.jobs[id] == nil && shown == nil ? nil : "job \(id)"
        }
        let executions = model.executions.filter { $0.job == id }
        for status in JobExecutionStatus.allCases {
            let count = executions.count { $0.status == status }
            guard shown.processDetails[status] == count else { return "\(status) of \(id) is not \(count)" }
        }
        guard shown.targetCount == executions.count, shown.notYetQueuedCount == 0,
            shown.createdAtMilliseconds == job.createdAt, shown.completedAtMilliseconds == job.completedAt,
            shown.status == (job.isCanceled ? .canceled : job.completedAt == nil ? .inProgress : .completed)
        else { return "job \(id): \(shown), not \(job)" }
        return nil
    }

    /// What the events of the whole run make of the executions.
    mutating func events() throws -> String? {
        for thing in things { _ = try store.listForThing(thing, max: 250, at: now) }
        for index in model.executions.indices { model.look(at: index, now: now) }
        var replay = FeedReplay()
        for event in try store.watch(from: 0).takeAll().events { replay.apply(event) }
        if let fault = replay.fault { return fault }
        guard replay.executions.count == model.executions.count, replay.jobs.count == model.jobs.count else {
            return "events tell of \(replay.executions.count) executions of \(replay.jobs.count) jobs"
        }
        for expected in model.executions {
            let name = FeedReplay.Name(job: expected.job, thing: expected.thing, number: 1)
            guard let state = replay.executions[name], state.to == expected.status,
                state.versionNumber == expected.version, state.forceCanceled == expected.forceCanceled,
                state.statusDetails.dictionary == expected.details
            else { return "events of \(name), not \(expected)" }
        }
        return nil
    }

    // MARK: Comparing

    private func differ(_ what: String, _ code: StatusCode, _ outcome: StoreOutcome) -> String? {
        let shown = outcome.refusal?.code ?? .ok
        return shown == code ? nil : "\(what) gave \(shown), not \(code)"
    }

    private func differ(_ what: String, _ view: StoredExecutionView?, _ index: Int?) -> String? {
        guard let view, let index else { return view == nil && index == nil ? nil : "\(what): only one of them exists" }
        let expected = model.executions[index]
        let record = view.record
        let deadline = [expected.inProgressDeadline, expected.stepDeadline].compactMap { $0 }.min()
        let isSame =
            view.jobId == expected.job && view.thingName == expected.thing && record.status == expected.status
            && record.versionNumber == expected.version && record.forceCanceled == expected.forceCanceled
            && record.queuedAtMilliseconds == expected.queuedAt && record.startedAtMilliseconds == expected.startedAt
            && record.lastUpdatedAtMilliseconds == expected.lastUpdatedAt
            && record.statusDetails.dictionary == expected.details && record.deadlineMilliseconds == deadline
            && view.approximateSecondsBeforeTimedOut == deadline.map { UInt32(($0 - now + 999) / 1000) }
        return isSame ? nil : "\(what): \(view), not \(expected)"
    }

    private func differ(_ what: String, _ list: [JobExecutionSummary], _ expected: [Int]) -> String? {
        let shown = list.map { "\($0.jobId) \($0.thingName) \($0.status) \($0.versionNumber)" }
        let wanted = expected.map { index in
            let execution = model.executions[index]
            return "\(execution.job) \(execution.thing) \(execution.status) \(execution.version)"
        }
        return shown == wanted ? nil : "\(what): \(shown), not \(wanted)"
    }

    private func differ(_ change: JobExecutionChange?, _ index: Int?) -> String? {
        guard let change, let index else { return nil }
        let expected = model.executions[index]
        let isSame =
            change.status == expected.status && change.versionNumber == expected.version
            && change.lastUpdatedAtMilliseconds == expected.lastUpdatedAt
            && change.statusDetails?.dictionary == expected.details
        return isSame ? nil : "\(change), not \(expected)"
    }

    // MARK: Choosing

    private mutating func chance(_ oneIn: Int) -> Bool { Int.random(in: 0..<oneIn, using: &random) == 0 }

    private mutating func one<Value>(of values: [Value]) -> Value {
        values[Int.random(in: values.indices, using: &random)]
    }

    /// Mostly an execution that exists.
    private mutating func pick() -> (String, String) {
        if !chance(8), let execution = model.executions.randomElement(using: &random) {
            return (execution.job, execution.thing)
        }
        return (one(of: jobs), one(of: things))
    }

    private mutating func someVersion(_ id: String, _ thing: String) -> Int64? {
        guard chance(2), let index = model.index(id, thing) else { return nil }
        return model.executions[index].version + (chance(3) ? Int64.random(in: -2...2, using: &random) : 0)
    }

    private mutating func someDetails() -> [String: String] {
        var details: [String: String] = [:]
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            let key = "k\(Int.random(in: 0..<14, using: &random))"
            details[key] = "v\(Int.random(in: 0..<100, using: &random))"
        }
        return details
    }

    private func flat(_ details: [String: String]) throws -> StatusDetails {
        try StatusDetails(details.map { (key: $0.key, value: $0.value) })
    }
}
