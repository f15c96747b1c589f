import ErrandClient
import Synchronization

/// Prints changes, one on a line, until the watched job has ended or somebody interrupts.
struct EventLines {
    let changes: JobExecutionEvents
    let asJSON: Bool
    /// What happened before is asked for too, the job's end perhaps.
    let showsPast: Bool

    /// `job` is as it was read after the watch had begun; nothing if the watch is of something else.
    func run(untilTheEndOf job: Job?) async throws {
        let last = LastRevision(changes.revision)
        if let job, job.status != .inProgress, !showsPast { return try Self.end(job.status, job.jobId) }
        let (changes, asJSON) = (changes, asJSON)
        let ended = try await Interruption.ending({ last.hint }) { () async throws -> JobStatus? in
            for try await event in changes {
                try StandardOutput.print(asJSON ? JSONWriter.text { $0.append(event) } : Self.text(event))
                last.revision = event.revision
                if job != nil, let end = Self.end(event) { return end }
            }
            return nil
        }
        if let job, let ended { try Self.end(ended ?? .inProgress, job.jobId) }
    }

    /// What the job came to, if that is what the event says.
    static func end(_ event: JobExecutionEvent) -> JobStatus? {
        switch event.subject {
        case .job(_, let to) where to != .inProgress: to
        case .jobDeleted: .deletionInProgress
        default: nil
        }
    }

    /// How the command ends with its job.
    static func end(_ status: JobStatus, _ jobId: JobId) throws(CommandFailure) {
        switch status {
        case .completed, .inProgress: return
        case .canceled: throw CommandFailure(.refused, "job \(jobId) is CANCELED")
        case .deletionInProgress: throw CommandFailure(.refused, "job \(jobId) is being deleted, or is gone")
        }
    }

    static func text(_ event: JobExecutionEvent) -> String {
        let start = "\(LocalTime.text(event.atMilliseconds))  \(event.revision)  \(event.jobId)"
        switch event.subject {
        case .execution(let state):
            let from = state.from.map { "\($0) -> " } ?? "-> "
            var line = "\(start)  \(state.thingName)#\(state.executionNumber)  \(from)\(state.to)"
            line += "  v\(state.versionNumber)  \(event.actor)"
            let details = state.statusDetails.pairs.map { "\($0.key)=\($0.value)" }.joined(separator: ", ")
            return details.isEmpty ? line : line + "  " + EscapedText.line(details)
        case .executionDeleted(let thingName, let number, let version, _, let from):
            return "\(start)  \(thingName)#\(number)  \(from) -> deleted  v\(version)  \(event.actor)"
        case .job(let from, let to):
            return "\(start)  job  \(from.map { "\($0) -> " } ?? "-> ")\(to)  \(event.actor)"
        case .jobDeleted(let from): return "\(start)  job  \(from) -> deleted  \(event.actor)"
        }
    }
}

extension JSONWriter {
    /// SPEC §8.9, kinds as words.
    mutating func append(_ event: JobExecutionEvent) {
        object { json in
            json.member("revision", event.revision)
            json.member("at", secondsFromMilliseconds: event.atMilliseconds)
            json.member("actor", event.actor.description)
            json.member("jobId", event.jobId.description)
            switch event.subject {
            case .execution(let state):
                json.member("kind", "execution")
                json.member("thingName", state.thingName.description)
                json.member("executionNumber", state.executionNumber)
                json.member("versionNumber", state.versionNumber)
                json.member("retryAttempt", state.retryAttempt)
                json.member("fromStatus", state.from?.description)
                json.member("toStatus", state.to.description)
                json.member("forceCanceled", state.forceCanceled)
                json.member("statusDetails", state.statusDetails)
            case .executionDeleted(let thingName, let number, let version, let retryAttempt, let from):
                json.member("kind", "executionDeleted")
                json.member("thingName", thingName.description)
                json.member("executionNumber", number)
                json.member("versionNumber", version)
                json.member("retryAttempt", retryAttempt)
                json.member("fromStatus", from.description)
            case .job(let from, let to):
                json.member("kind", "job")
                json.member("fromStatus", from?.description)
                json.member("toStatus", to.description)
            case .jobDeleted(let from):
                json.member("kind", "jobDeleted")
                json.member("fromStatus", from.description)
            }
        }
    }
}

/// Up to where a watch has been shown, for whoever interrupts it.
final class LastRevision: Sendable {
    private let value: Mutex<UInt64>

    init(_ revision: UInt64) { value = Mutex(revision) }

    var revision: UInt64 {
        get { value.withLock { $0 } }
        set { value.withLock { $0 = newValue } }
    }

    var hint: String { "stopped; go on later with --from \(revision)" }
}
