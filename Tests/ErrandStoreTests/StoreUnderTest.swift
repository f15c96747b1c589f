import Dispatch
import ErrandCore
import ErrandStore
import Testing

/// The stores that every conformance suite runs against. A new store is a new case here and nothing else.
enum StoreUnderTest: String, CaseIterable, CustomTestStringConvertible {
    case memory
    case memoryWithOneStripe
    case durable
    case reopenedEachTime
    case forgetful

    /// For tests that look at what `advance` has published as soon as it returns.
    static let inMemory: [StoreUnderTest] = [.memory, .memoryWithOneStripe]

    /// For tests that watch, or that call from many threads at once.
    static let withoutRestarts = allCases.filter { $0 != .reopenedEachTime && $0 != .forgetful }

    var testDescription: String { rawValue }

    func make(minuteLengthMilliseconds: Int64 = 60_000, limits: StoreLimits = StoreLimits()) -> StoreDriver {
        let rules = ExecutionRules(minuteLengthMilliseconds: minuteLengthMilliseconds)
        switch self {
        case .memory: return StoreDriver(MemoryExecutionStore(rules: rules, limits: limits))
        case .memoryWithOneStripe:
            return StoreDriver(MemoryExecutionStore(rules: rules, stripeCount: 1, limits: limits))
        case .durable:
            let directory = TemporaryStore(isOnDisk: false)
            guard
                let store = try? DurableExecutionStore(
                    directory: directory.path, rules: rules, limits: limits, at: 0)
            else { preconditionFailure("no durable store in \(directory.path)") }
            return StoreDriver(store, directory: directory)
        case .forgetful:
            guard let store = try? ForgetfulStore(rules: rules, limits: limits) else {
                preconditionFailure("no durable store")
            }
            return StoreDriver(store)
        case .reopenedEachTime:
            guard let store = try? ReopeningStore(rules: rules, limits: limits) else {
                preconditionFailure("no durable store")
            }
            return StoreDriver(store)
        }
    }
}

/// Calls a store and waits for the answer, on whatever thread it comes.
struct StoreDriver: Sendable {
    let store: any ExecutionStore

    /// Lives as long as the store is used.
    private let directory: TemporaryStore?

    init(_ store: any ExecutionStore, directory: TemporaryStore? = nil) {
        self.store = store
        self.directory = directory
    }

    /// `fill` adds the commands. What describes found comes as `.execution`, as from other calls.
    func outcomes(at now: Int64, _ fill: (CommandBatch) throws -> Void) rethrows -> [StoreOutcome] {
        let done = DispatchSemaphore(value: 0)
        let batch = CommandBatch { _ in done.signal() }
        try fill(batch)
        store.submit(batch, at: now)
        done.wait()
        return zip(batch.commands, batch.outcomes).flatMap { command, outcome in
            guard case .describe(let run) = command, case .described = outcome else { return [outcome] }
            return run.map { batch.describes.outcome(of: $0) }
        }
    }

    func outcomes(of commands: [StoreCommand], at now: Int64) -> [StoreOutcome] {
        outcomes(at: now) { $0.commands = commands }
    }

    func outcome(of command: StoreCommand, at now: Int64) -> StoreOutcome {
        outcomes(of: [command], at: now)[0]
    }

    // MARK: What tests ask for again and again

    @discardableResult
    func create(
        _ jobId: String, on things: [String], timeout: Int64? = nil, document: String = "{}", at now: Int64 = 0
    ) throws -> StoreOutcome {
        let request = CreateJobRequest(
            jobId: try JobId(jobId), document: document, inProgressTimeoutInMinutes: timeout,
            targetCount: UInt32(things.count), targets: try things.map { try ThingName($0) })
        return outcome(of: .createJob(request), at: now)
    }

    func describe(_ jobId: String, _ thing: String, number: Int64? = nil, at now: Int64) throws -> StoreOutcome {
        let request = DescribeJobExecutionRequest(
            jobId: try JobId(jobId), thingName: try ThingName(thing), executionNumber: number)
        return outcomes(at: now) { $0.add(request) }[0]
    }

    /// The execution as an operator sees it; a refusal fails the test.
    func execution(_ jobId: String, _ thing: String, at now: Int64) throws -> StoredExecutionView {
        try #require(try describe(jobId, thing, at: now).execution)
    }

    @discardableResult
    func update(
        _ jobId: String, _ thing: String, _ status: JobExecutionStatus, details: StatusDetails? = nil,
        merge: Bool = false, expectedVersion: Int64? = nil, step: Int64? = nil, includeState: Bool = false,
        includeDocument: Bool = false, at now: Int64
    ) throws -> StoreOutcome {
        let request = UpdateJobExecutionRequest(
            jobId: try JobId(jobId), thingName: try ThingName(thing), status: status, statusDetails: details,
            mergeStatusDetails: merge, expectedVersion: expectedVersion, stepTimeoutInMinutes: step,
            includeJobExecutionState: includeState, includeJobDocument: includeDocument)
        return outcome(of: .update(request), at: now)
    }

    @discardableResult
    func cancel(
        _ jobId: String, _ thing: String, force: Bool = false, expectedVersion: Int64? = nil,
        details: StatusDetails? = nil, at now: Int64
    ) throws -> StoreOutcome {
        let request = CancelJobExecutionRequest(
            jobId: try JobId(jobId), thingName: try ThingName(thing), force: force, expectedVersion: expectedVersion,
            statusDetails: details)
        return outcome(of: .cancel(request), at: now)
    }

    @discardableResult
    func startNext(
        _ thing: String, details: StatusDetails? = nil, step: Int64? = nil, at now: Int64
    ) throws -> StoreOutcome {
        let request = StartNextPendingJobExecutionRequest(
            thingName: try ThingName(thing), statusDetails: details, stepTimeoutInMinutes: step)
        return outcome(of: .startNext(request), at: now)
    }

    func peekNext(_ thing: String, document: Bool = true, at now: Int64) throws -> StoreOutcome {
        let request = DescribeOwnJobExecutionRequest(
            jobId: nil, thingName: try ThingName(thing), includeJobDocument: document)
        return outcome(of: .describeOwn(request), at: now)
    }

    func pending(
        _ thing: String, max: UInt32? = nil, token: [UInt8]? = nil, at now: Int64
    ) throws -> StoreOutcome {
        let request = GetPendingJobExecutionsRequest(
            thingName: try ThingName(thing), maxResults: max, nextToken: token)
        return outcome(of: .getPending(request), at: now)
    }

    func listForThing(
        _ thing: String, status: JobExecutionStatus? = nil, max: UInt32? = nil, token: [UInt8]? = nil, at now: Int64
    ) throws -> StoreOutcome {
        let request = ListJobExecutionsForThingRequest(
            thingName: try ThingName(thing), status: status, maxResults: max, nextToken: token)
        return outcome(of: .listForThing(request), at: now)
    }

    func listForJob(
        _ jobId: String, status: JobExecutionStatus? = nil, max: UInt32? = nil, token: [UInt8]? = nil, at now: Int64
    ) throws -> StoreOutcome {
        let request = ListJobExecutionsForJobRequest(
            jobId: try JobId(jobId), status: status, maxResults: max, nextToken: token)
        return outcome(of: .listForJob(request), at: now)
    }

    func job(_ jobId: String, at now: Int64) throws -> Job? {
        outcome(of: .describeJob(DescribeJobRequest(jobId: try JobId(jobId))), at: now).job
    }
}

extension DescribeLane {
    /// What a describe found, as other calls would say it.
    func outcome(of place: Int) -> StoreOutcome {
        guard let found = self[place] else {
            return .refused(refusal(of: place) ?? Refusal(.internalError, "neither found nor refused"))
        }
        let record = ExecutionRecord(
            found.facts,
            withDetails(of: found) { details, count in
                StatusDetails(stored: details.withUnsafeBytes { Array($0) }, count: count)
            })
        return .execution(
            StoredExecutionView(
                jobId: JobId(stored: jobId(of: place)), thingName: ThingName(stored: thingName(of: place)), record: record,
                approximateSecondsBeforeTimedOut: found.approximateSecondsBeforeTimedOut, jobDocument: nil))
    }
}

extension StoreOutcome {
    var execution: StoredExecutionView? { if case .execution(let view) = self { view } else { nil } }
    var change: JobExecutionChange? { if case .changed(let change, _) = self { change } else { nil } }
    var document: JobDocument? { if case .changed(_, let document) = self { document } else { nil } }
    var pending: PendingJobExecutions? { if case .pending(let list) = self { list } else { nil } }
    var page: JobExecutionPage? { if case .page(let page) = self { page } else { nil } }
    var receipt: JobTargetsReceipt? { if case .targetsReceived(let receipt) = self { receipt } else { nil } }
    var job: Job? { if case .job(let job) = self { job } else { nil } }
    var refusal: Refusal? { if case .refused(let refusal) = self { refusal } else { nil } }
    var isEmpty: Bool { if case .execution(nil) = self { true } else { false } }
}

extension PendingJobExecutions {
    /// The whole page in queue order.
    var all: [JobExecutionSummary] { inProgressJobs + queuedJobs }
}

extension StatusDetails {
    init(_ key: String, _ value: String) throws { try self.init([(key: key, value: value)]) }
}

func minutes(_ count: Int64) -> Int64 { count * 60_000 }
