import ErrandCore
import Synchronization

@testable import ErrandStore

/// All that a store holds, as text that can be compared: two that were built from the same records are the same.
struct StoreFingerprint: Equatable {
    private(set) var parts: [String: String] = [:]

    init(_ store: MemoryExecutionStore) {
        for stripe in store.stripes { stripe.content.withLock { add($0) } }
        store.jobs.withLock { table in
            for (id, job) in table.jobs { parts["job \(id)"] = Self.text(of: job) }
            var buffer = JournalBuffer()
            buffer.append(table.deletions)
            parts["deletions"] = Self.hexadecimal(buffer.bytes)
            parts["numbers"] = "\(table.lastJobNumber) \(table.lastCreationNumber)"
        }
        parts["revision"] = "\(store.changes.revision)"
    }

    /// What is in one and not, or otherwise, in the other.
    func differences(from other: StoreFingerprint) -> [String] {
        Set(parts.keys).union(other.parts.keys).sorted().filter { parts[$0] != other.parts[$0] }
            .map { "\($0): \(parts[$0] ?? "nothing"), and \(other.parts[$0] ?? "nothing")" }
    }

    private mutating func add(_ stripe: borrowing Stripe) {
        for slot in stripe.slots where slot.job !== StoredJob.vacant {
            let thing = stripe.things.name(of: slot.thing)
            parts["execution \(slot.job.id)/\(thing)/\(slot.record.executionNumber) at \(slot.jobPosition)"] =
                "\(slot.record) sequence \(slot.sequence) start \(slot.startSequence) last \(slot.lastSequence) log "
                + Self.hexadecimal(slot.log.stored) + " calls " + Self.hexadecimal(slot.calls.stored)
        }
    }

    private static func text(of job: StoredJob) -> String {
        job.state.withLock { state in
            var creation = JournalBuffer()
            job.appendCreation(to: &creation)
            var decisions = JournalBuffer()
            job.appendDecisions(state, to: &decisions)
            var targets = JournalBuffer()
            state.targets.append(from: 0, atMost: state.targets.count, to: &targets)
            let executions = state.executions.map { $0.slot == ExecutionSlot.none ? "-" : "x" }.joined()
            return
                "number \(job.number) creation \(hexadecimal(creation.bytes)) decisions \(hexadecimal(decisions.bytes)) "
                + "targets \(hexadecimal(targets.bytes)) staged \(state.isStaged) order \(state.creationNumber) "
                + "executions \(executions) counts \(state.counts) attempts \(state.attempts) "
                + "queued \(state.queuedThingCount) left \(state.notYetQueuedCount) last \(state.lastSequence)"
        }
    }

    private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
}
