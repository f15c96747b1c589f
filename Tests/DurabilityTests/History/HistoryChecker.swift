import ErrandCore

/// What a checker found, and where.
struct Violation: Sendable, CustomStringConvertible {
    enum Kind: String, Sendable, CaseIterable {
        /// Somebody was told of a change that is not there in the end.
        case lost
        /// One version was shown with two contents.
        case twoTruths
        case appliedTwice
        case neverSent
        /// The client was told that nothing happened.
        case appliedThoughRefused
        /// A version that nobody ever made is below one that is there.
        case gap
        /// No order of the calls explains the answers.
        case notLinearizable
        case impossible
        /// Of a watch.
        case eventMissing, eventRepeated
    }

    var kind: Kind
    var place: String

    var description: String { "\(kind.rawValue) \(place)" }
}

/// Checks the history of one execution for linearizability, in time that grows little faster than the history.
///
/// In general that is a search through orders. Here every change makes the next version and carries a marker of its own, so
/// the order of all changes stands in what was seen: an answer says exactly between which two changes its call took effect.
/// What is left is whether each call can have taken effect there, within the time of its own call; the earliest moment that
/// is possible for each, one after the other, is the best there is for all later ones, so one pass decides it exactly.
struct HistoryChecker {
    private let history: ExecutionHistory
    private var violations: [Violation] = []
    /// What each version is.
    private var truth: [Int64: Snapshot] = [:]
    private var sent: [UInt64: Int] = [:]
    private var applied: [UInt64: Int64] = [:]

    static func check(_ history: ExecutionHistory) -> [Violation] {
        var checker = HistoryChecker(history: history)
        checker.collect()
        checker.checkChanges()
        checker.checkOrder()
        checker.checkEvents()
        return checker.violations
    }

    private init(history: ExecutionHistory) { self.history = history }

    private mutating func note(_ kind: Violation.Kind, _ text: String) {
        violations.append(Violation(kind: kind, place: "\(history.name): \(text)"))
    }

    // MARK: What was seen

    private mutating func collect() {
        truth[1] = Snapshot(version: 1, status: .queued, marker: nil)
        see(history.final, "the end")
        for snapshot in history.kept { see(snapshot, "history") }
        for event in history.events { if let snapshot = event.snapshot { see(snapshot, "event \(event.revision)") } }
        for (index, operation) in history.operations.enumerated() {
            if operation.marker != 0 { sent[operation.marker] = index }
            switch operation.outcome {
            case .changed(let version, let status):
                see(Snapshot(version: version, status: status, marker: operation.marker), "\(operation)")
            case .saw(let snapshot), .refused(_, let snapshot?): see(snapshot, "\(operation)")
            case .unknown, .notApplied, .refused, .sawNothing: break
            }
        }
    }

    private mutating func see(_ snapshot: Snapshot, _ place: @autoclosure () -> String) {
        if snapshot.version > history.final.version {
            note(.lost, "version \(snapshot.version) of \(history.final.version), seen by \(place())")
        }
        if let known = truth[snapshot.version] {
            if known != snapshot { note(.twoTruths, "\(known), and \(snapshot) seen by \(place())") }
        } else {
            truth[snapshot.version] = snapshot
        }
    }

    // MARK: What was changed

    private mutating func checkChanges() {
        for version in 1...max(1, history.final.version) {
            guard let snapshot = truth[version] else {
                note(.gap, "version \(version)")
                continue
            }
            guard version > 1 else { continue }
            guard let marker = snapshot.marker, let index = sent[marker] else {
                note(.neverSent, "version \(version), \(snapshot)")
                continue
            }
            if let first = applied.updateValue(version, forKey: marker) {
                note(.appliedTwice, "marker \(marker): versions \(first) and \(version)")
            }
            let operation = history.operations[index]
            switch operation.outcome {
            case .refused, .notApplied, .saw, .sawNothing:
                note(.appliedThoughRefused, "version \(version): \(operation)")
            case .changed, .unknown: break
            }
            if let before = truth[version - 1], !Self.leads(operation.call, before, to: snapshot.status) {
                note(.impossible, "\(before) became \(snapshot) by \(operation)")
            }
        }
    }

    /// Whether the rules let the call make that of an execution.
    private static func leads(_ call: Operation.Call, _ old: Snapshot, to new: JobExecutionStatus) -> Bool {
        guard !old.status.isTerminal else { return false }
        switch call {
        case .describe: return false
        case .update(let status, let expected): return new == status && (expected ?? old.version) == old.version
        case .cancel(let force, let expected):
            return new == .canceled && (force || old.status == .queued) && (expected ?? old.version) == old.version
        case .startNext: return old.status == .queued && new == .inProgress
        }
    }

    // MARK: In which order

    /// A call that took effect right behind the change that made `version`.
    private struct Look {
        var version: Int64
        var invokedAt: Int64
        var returnedAt: Int64
        var operation: Int
    }

    private mutating func checkOrder() {
        var looks: [Look] = []
        for (index, operation) in history.operations.enumerated() {
            guard let version = seenVersion(operation) else { continue }
            looks.append(
                Look(
                    version: version, invokedAt: operation.invokedAt, returnedAt: operation.returnedAt,
                    operation: index))
        }
        looks.sort { $0.version < $1.version }
        var latest: [Int64: Int64] = [:]
        for event in history.events {
            if let version = event.snapshot?.version {
                latest[version] = min(latest[version] ?? .max, event.seenAt)
            }
        }
        var moment = Int64.min
        var next = 0
        for version in 1...max(1, history.final.version) {
            if let marker = truth[version]?.marker, let index = sent[marker] {
                let change = history.operations[index]
                moment = max(moment, change.invokedAt)
                // An answer and an event say that it has happened; without either it may happen at any time.
                let answered = if case .changed = change.outcome { change.returnedAt } else { Int64.max }
                if moment > min(answered, latest[version] ?? .max) {
                    note(.notLinearizable, "version \(version) came too late: \(change)")
                }
            }
            var end = moment
            while next < looks.count, looks[next].version <= version {
                let at = max(moment, looks[next].invokedAt)
                if at > looks[next].returnedAt {
                    note(.notLinearizable, "version \(version) was seen early: \(history.operations[looks[next].operation])")
                }
                // One that ends too late to be explained is reported once, not for all that follows.
                end = max(end, min(at, looks[next].returnedAt))
                next += 1
            }
            moment = end
        }
    }

    /// Which version the call took effect at, without changing it; nothing if it changed something or shows nothing.
    private mutating func seenVersion(_ operation: Operation) -> Int64? {
        switch operation.outcome {
        case .unknown, .notApplied, .changed: return nil
        case .saw(let snapshot):
            if operation.call == .startNext, snapshot.status != .inProgress {
                note(.impossible, "\(operation)")
            }
            return snapshot.version
        case .sawNothing:
            // Only an execution that has ended is not pending, and then it changes no more.
            if operation.call != .startNext || !history.final.status.isTerminal { note(.impossible, "\(operation)") }
            return history.final.version
        case .refused(let code, let snapshot):
            guard let snapshot, Self.isRight(code, snapshot, operation.call) else {
                note(.impossible, "\(operation)")
                return nil
            }
            return snapshot.version
        }
    }

    private static func isRight(_ code: StatusCode, _ snapshot: Snapshot, _ call: Operation.Call) -> Bool {
        switch (code, call) {
        case (.versionMismatch, .update(_, let expected?)), (.versionMismatch, .cancel(_, let expected?)):
            expected != snapshot.version
        case (.invalidStateTransition, .update(_, let expected)):
            snapshot.status.isTerminal && (expected ?? snapshot.version) == snapshot.version
        case (.invalidStateTransition, .cancel(let force, let expected)):
            (snapshot.status.isTerminal || (!force && snapshot.status == .inProgress))
                && (expected ?? snapshot.version) == snapshot.version
        default: false
        }
    }

    // MARK: Events

    /// A watch of everything shows every version of the execution, each once and in order.
    private mutating func checkEvents() {
        var last: Int64?
        for event in history.events {
            guard let version = event.snapshot?.version else { continue }
            if let last, version <= last { note(.eventRepeated, "version \(version) after \(last)") }
            if version > (last ?? 0) + 1 { note(.eventMissing, "version \(version) after \(last ?? 0)") }
            last = max(last ?? 0, version)
        }
    }

    /// A watch of everything: every revision comes once, in order.
    static func check(watch events: [SeenEvent]) -> [Violation] {
        zip(events, events.dropFirst()).compactMap { first, second in
            let place = "revision \(second.revision) after \(first.revision)"
            if second.revision <= first.revision { return Violation(kind: .eventRepeated, place: place) }
            if second.revision > first.revision + 1 { return Violation(kind: .eventMissing, place: place) }
            return nil
        }
    }
}
