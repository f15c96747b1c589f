import ErrandClient
import ErrandCore
import Synchronization

/// The executions that all clients hammer at one time, and everything that was done to each and seen of it.
///
/// Of each execution only a few changes are under way at a time: a server remembers the last eight keys of an execution, and
/// a call is sent again after a lost connection, so more could push out a key that is needed yet (SPEC §6 `CALL-10`).
final class HistoryRecorder: Sendable {
    private static let window = 4

    private struct Execution {
        var operations: [Operation] = []
        var lastVersion: Int64 = 1
        var begun = 0
        var open: Set<Int> = []
    }

    let jobId: String
    private let executions: [ExecutionBox]
    private let start = ContinuousClock.now

    private struct Content {
        var execution = Execution()
    }

    private final class ExecutionBox: Sendable {
        let content = Mutex(Content())

        func withLock<Result>(_ body: (inout Content) -> Result) -> Result { content.withLock { body(&$0) } }
    }

    init(jobId: String, executionCount: Int) {
        self.jobId = jobId
        executions = (0..<executionCount).map { _ in ExecutionBox() }
    }

    var executionCount: Int { executions.count }
    func thing(_ index: Int) -> String { "\(jobId)-\(index)" }

    /// A place among the changes of the execution, if one is free.
    func takeTicket(_ index: Int) -> Int? {
        executions[index].withLock { box in
            guard box.execution.begun - (box.execution.open.min() ?? box.execution.begun) < Self.window else { return nil }
            defer { box.execution.begun += 1 }
            box.execution.open.insert(box.execution.begun)
            return box.execution.begun
        }
    }

    func giveBack(_ ticket: Int, _ index: Int) { _ = executions[index].withLock { $0.execution.open.remove(ticket) } }

    func lastVersion(_ index: Int) -> Int64 { executions[index].withLock { $0.execution.lastVersion } }

    func add(_ operation: Operation, to index: Int) {
        executions[index].withLock { box in
            box.execution.operations.append(operation)
            switch operation.outcome {
            case .changed(let version, _): box.execution.lastVersion = max(box.execution.lastVersion, version)
            case .saw(let snapshot), .refused(_, let snapshot?):
                box.execution.lastVersion = max(box.execution.lastVersion, snapshot.version)
            case .unknown, .sawNothing, .refused, .notApplied: break
            }
        }
    }

    func operations(_ index: Int) -> [Operation] { executions[index].withLock { $0.execution.operations } }
}

/// Nanoseconds since the test began, for all clients.
struct HistoryClock: Sendable {
    private let start = ContinuousClock.now

    var now: Int64 {
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}

/// One task of a client, with one call under way at a time.
struct HistoryClient {
    let number: Int
    let client: JobExecutionClient
    let clock: HistoryClock
    let markers: Numbers
    let done: Numbers
    /// How many calls were given up and sent again by hand, with the same key.
    let repeats: Numbers

    /// Calls until as many have been made by all as are wanted.
    func run(_ recorder: HistoryRecorder, until goal: Int64, seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        while done.next() <= goal {
            let index = Int.random(in: 0..<recorder.executionCount, using: &generator)
            let isRead = generator.chance(50)
            guard !isRead, let ticket = recorder.takeTicket(index) else {
                try await read(recorder, index)
                continue
            }
            try await change(recorder, index, &generator)
            recorder.giveBack(ticket, index)
        }
    }

    private func read(_ recorder: HistoryRecorder, _ index: Int) async throws {
        var operation = Operation(client: number, marker: 0, call: .describe, invokedAt: clock.now)
        do throws(ErrandError) {
            let execution = try await client.describeJobExecution(
                jobId: recorder.jobId, thingName: recorder.thing(index))
            operation.outcome = .saw(Snapshot(execution))
            operation.returnedAt = clock.now
        } catch {
            operation.outcome = error.applied == .no && error.code == .notFound ? .refused(.notFound, nil) : .unknown
        }
        recorder.add(operation, to: index)
    }

    private func change(
        _ recorder: HistoryRecorder, _ index: Int, _ generator: inout SeededGenerator
    ) async throws {
        let marker = UInt64(markers.next())
        let kind = Int.random(in: 0..<1000, using: &generator)
        let expected = generator.chance(35) ? recorder.lastVersion(index) : nil
        let call: Operation.Call =
            switch kind {
            case 0..<3: .update([.succeeded, .failed, .rejected][kind], expectedVersion: expected)
            case 3..<5: .cancel(force: true, expectedVersion: expected)
            case 5..<50: .cancel(force: false, expectedVersion: expected)
            case 50..<200: .startNext
            default: .update(.inProgress, expectedVersion: expected)
            }
        let request = try KeyedCall(call, recorder.jobId, recorder.thing(index), marker)
        var operation = Operation(client: number, marker: marker, call: call, invokedAt: clock.now)
        // Some are given up soon: then only the same call with the same key can find out what became of it.
        let isHasty = generator.chance(10)
        operation.outcome = await request.send(client, timeout: isHasty ? .milliseconds(30) : nil)
        if operation.outcome == .unknown {
            _ = repeats.next()
            operation.outcome = await request.send(client, timeout: nil)
        } else if generator.chance(10), case .changed = operation.outcome {
            _ = repeats.next()
            // It is the same call, so it has the same answer.
            let again = await request.send(client, timeout: nil)
            if again != .unknown { operation.outcome = again == operation.outcome ? again : .refused(.internalError, nil) }
        }
        if operation.outcome != .unknown { operation.returnedAt = clock.now }
        recorder.add(operation, to: index)
    }
}

/// A change and its key.
private enum KeyedCall {
    case update(UpdateJobExecutionRequest)
    case cancel(CancelJobExecutionRequest)
    case startNext(StartNextPendingJobExecutionRequest, UInt64)

    init(_ call: Operation.Call, _ jobId: String, _ thing: String, _ marker: UInt64) throws {
        let (job, thing) = (try JobId(jobId), try ThingName(thing))
        let details = try Snapshot.details(marker)
        switch call {
        case .update(let status, let expected):
            self = .update(
                UpdateJobExecutionRequest(
                    jobId: job, thingName: thing, status: status, statusDetails: details, expectedVersion: expected,
                    idempotencyKey: .random()))
        case .cancel(let force, let expected):
            self = .cancel(
                CancelJobExecutionRequest(
                    jobId: job, thingName: thing, force: force, expectedVersion: expected, statusDetails: details,
                    idempotencyKey: .random()))
        case .startNext, .describe:
            self = .startNext(
                StartNextPendingJobExecutionRequest(
                    thingName: thing, statusDetails: details, idempotencyKey: .random()), marker)
        }
    }

    func send(_ client: JobExecutionClient, timeout: Duration?) async -> Operation.Outcome {
        do throws(ErrandError) {
            switch self {
            case .update(let request):
                let change = try await client.updateJobExecution(request, timeout: timeout)
                return .changed(version: change.versionNumber, change.status)
            case .cancel(let request):
                let change = try await client.cancelJobExecution(request, timeout: timeout)
                return .changed(version: change.versionNumber, change.status)
            case .startNext(let request, let marker):
                guard let execution = try await client.startNextPendingJobExecution(request, timeout: timeout) else {
                    return .sawNothing
                }
                let snapshot = Snapshot(execution)
                return snapshot.marker == marker
                    ? .changed(version: snapshot.version, snapshot.status) : .saw(snapshot)
            }
        } catch {
            guard error.applied == .no else { return .unknown }
            return error.executionState.map { .refused(error.code, Snapshot($0)) } ?? .notApplied
        }
    }
}

extension Snapshot {
    init(_ execution: JobExecution) {
        self.init(version: execution.versionNumber, status: execution.status, details: execution.statusDetails)
    }
}
