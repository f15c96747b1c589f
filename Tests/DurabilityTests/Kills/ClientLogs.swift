import ErrandClient
import Synchronization

/// What clients have sent and what they were told, kept apart from everything that a kill destroys.
final class ClientLogs: Sendable {
    enum Answer: Sendable {
        /// None came: the change may have been made or not.
        case none
        case changed(version: Int64)
        /// The server said that nothing happened.
        case refused
    }

    /// A change with a key, and how to send it again.
    struct Change: Sendable {
        var execution: String
        var marker: UInt64
        var request: Request
        var answer = Answer.none
    }

    enum Request: Sendable {
        case update(UpdateJobExecutionRequest)
        case cancel(CancelJobExecutionRequest)
        case startNext(StartNextPendingJobExecutionRequest)
    }

    private struct State {
        var changes: [Change] = []
        /// The jobs that were sent, and whether that was acknowledged.
        var jobs: [String: Bool] = [:]
        var acknowledgedCount = 0
    }

    private let state = Mutex(State())
    private let markers = Atomic<UInt64>(0)

    var changes: [Change] { state.withLock { $0.changes } }
    var jobs: [String: Bool] { state.withLock { $0.jobs } }
    var acknowledgedCount: Int { state.withLock { $0.acknowledgedCount } }

    func nextMarker() -> UInt64 { markers.wrappingAdd(1, ordering: .relaxed).newValue }

    func sent(job: String) { state.withLock { $0.jobs[job] = false } }

    func acknowledged(job: String) {
        state.withLock { state in
            state.jobs[job] = true
            state.acknowledgedCount += 1
        }
    }

    func sent(_ change: Change) -> Int {
        state.withLock { state in
            state.changes.append(change)
            return state.changes.count - 1
        }
    }

    func answered(_ index: Int, _ answer: Answer) {
        state.withLock { state in
            state.changes[index].answer = answer
            if case .changed = answer { state.acknowledgedCount += 1 }
        }
    }

    /// Sends the change, or sends it again, and logs what came of it. Throws if no answer came.
    func perform(_ index: Int, _ client: JobExecutionClient) async throws(ErrandError) {
        let change = state.withLock { $0.changes[index] }
        do throws(ErrandError) {
            switch change.request {
            case .update(let request):
                answered(index, .changed(version: try await client.updateJobExecution(request).versionNumber))
            case .cancel(let request):
                answered(index, .changed(version: try await client.cancelJobExecution(request).versionNumber))
            case .startNext(let request):
                let started = try await client.startNextPendingJobExecution(request)
                let isOwn = started?.statusDetails["m"] == "\(change.marker)"
                answered(index, started.flatMap { isOwn ? .changed(version: $0.versionNumber) : nil } ?? .refused)
            }
        } catch {
            guard error.applied == .no else { throw error }
            answered(index, .refused)
        }
    }
}

/// One client of 64: a connection with several tasks, each of which makes jobs and works on their executions, many calls
/// at a time, until its server is gone.
struct KilledClient {
    let name: String
    let client: JobExecutionClient
    let logs: ClientLogs

    static let taskCount = 3

    func run() async {
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<Self.taskCount {
                group.addTask {
                    var count = 0
                    // Every error here is the end of the server, or of the connection with it.
                    while (try? await work("\(name)-\(task)-\(count)")) != nil { count += 1 }
                }
            }
        }
    }

    private func work(_ job: String) async throws {
        let things = ["\(job)-a", "\(job)-b"]
        logs.sent(job: job)
        try await client.createJob(jobId: job, document: "{}", targets: things)
        logs.acknowledged(job: job)
        let first = try start(things[0], job)
        let second = Bool.random() ? try cancel(job, things[1], force: false) : try start(things[1], job)
        try await perform([first, second])
        var reports = try (0..<4).map { _ in try update(job, things[0], .inProgress) }
        reports.append(try update(job, things[1], Bool.random() ? .failed : .inProgress))
        try await perform(reports)
        let last =
            Bool.random() ? try update(job, things[0], .succeeded) : try cancel(job, things[0], force: true)
        try await perform([last])
    }

    /// All at once.
    private func perform(_ changes: [ClientLogs.Change]) async throws {
        let indices = changes.map { logs.sent($0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in indices { group.addTask { try await logs.perform(index, client) } }
            try await group.waitForAll()
        }
    }

    private func start(_ thing: String, _ job: String) throws -> ClientLogs.Change {
        let marker = logs.nextMarker()
        let request = StartNextPendingJobExecutionRequest(
            thingName: try ThingName(thing), statusDetails: try Snapshot.details(marker), idempotencyKey: .random())
        return ClientLogs.Change(execution: "\(job)/\(thing)", marker: marker, request: .startNext(request))
    }

    private func update(_ job: String, _ thing: String, _ status: JobExecutionStatus) throws -> ClientLogs.Change {
        let marker = logs.nextMarker()
        let request = UpdateJobExecutionRequest(
            jobId: try JobId(job), thingName: try ThingName(thing), status: status,
            statusDetails: try Snapshot.details(marker), idempotencyKey: .random())
        return ClientLogs.Change(execution: "\(job)/\(thing)", marker: marker, request: .update(request))
    }

    private func cancel(_ job: String, _ thing: String, force: Bool) throws -> ClientLogs.Change {
        let marker = logs.nextMarker()
        let request = CancelJobExecutionRequest(
            jobId: try JobId(job), thingName: try ThingName(thing), force: force,
            statusDetails: try Snapshot.details(marker), idempotencyKey: .random())
        return ClientLogs.Change(execution: "\(job)/\(thing)", marker: marker, request: .cancel(request))
    }
}
