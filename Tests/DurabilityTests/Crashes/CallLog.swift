import ErrandCore
import Synchronization

@testable import ErrandStore

/// What the clients of a `CrashSchedule` have sent and heard.
final class CallLog: Sendable {
    struct Call {
        var execution: Int
        var asked: Asked
        var operation: Operation
        /// In which life of the store it was sent last; an answer from an earlier one comes too late.
        var life: Int
    }

    private struct State {
        var calls: [Call] = []
        var life = 0
        var lastVersions: [Int: Int64] = [:]
        var repeatedAnswers: [String] = []
    }

    private let state = Mutex(State())
    let clock = Numbers()

    var calls: [Call] { state.withLock { $0.calls } }
    /// Answers to one call that were not the same.
    var repeatedAnswers: [String] { state.withLock { $0.repeatedAnswers } }

    /// The newest version that a client was told of.
    func lastVersion(of execution: Int) -> Int64? { state.withLock { $0.lastVersions[execution] } }

    func add(_ operation: Operation, _ asked: Asked, on execution: Int) -> Int {
        state.withLock { state in
            state.calls.append(Call(execution: execution, asked: asked, operation: operation, life: state.life))
            return state.calls.count - 1
        }
    }

    func sent(_ index: Int) -> (Asked, life: Int) {
        state.withLock { state in
            state.calls[index].life = state.life
            return (state.calls[index].asked, state.life)
        }
    }

    /// From now on nobody hears what is answered to the calls under way. Returns these.
    func crashed() -> [Int] {
        state.withLock { state in
            defer { state.life += 1 }
            return state.calls.indices.filter {
                state.calls[$0].life == state.life && state.calls[$0].operation.returnedAt == .max
            }
        }
    }

    /// The last change that was answered, if its key must be remembered still.
    var repeatable: Int? {
        state.withLock { state in
            state.calls.indices.suffix(4).last { index in
                guard case .changed = state.calls[index].operation.outcome else { return false }
                return state.calls[index].operation.call != .startNext
            }
        }
    }

    func answered(_ index: Int, _ outcome: StoreOutcome, life: Int) {
        let now = clock.next()
        state.withLock { state in
            guard life == state.life else { return }
            let call = state.calls[index]
            let seen = Self.outcome(outcome, of: call.operation)
            if case .changed(let version, _) = seen { state.lastVersions[call.execution] = version }
            guard call.operation.returnedAt == .max else {
                if seen != call.operation.outcome { state.repeatedAnswers.append("\(call.operation), then \(seen)") }
                return
            }
            state.calls[index].operation.outcome = seen
            state.calls[index].operation.returnedAt = now
        }
    }

    private static func outcome(_ outcome: StoreOutcome, of operation: Operation) -> Operation.Outcome {
        switch outcome {
        case .changed(let change, _): return .changed(version: change.versionNumber, change.status)
        case .execution(nil): return .sawNothing
        case .execution(let view?):
            let snapshot = Snapshot(view.record)
            return operation.marker != 0 && snapshot.marker == operation.marker
                ? .changed(version: snapshot.version, snapshot.status) : .saw(snapshot)
        case .refused(let refusal): return .refused(refusal.code, refusal.executionState.map { Snapshot($0) })
        default: return .notApplied
        }
    }
}

extension Snapshot {
    init(_ record: ExecutionRecord) {
        self.init(version: record.versionNumber, status: record.status, details: record.statusDetails)
    }

    init(_ entry: JobExecutionHistoryEntry) {
        self.init(version: entry.versionNumber, status: entry.toStatus, details: entry.statusDetails)
    }
}
