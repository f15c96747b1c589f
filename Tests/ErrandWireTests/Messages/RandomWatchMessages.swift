import ErrandCore
import ErrandWire

/// The messages of watches.
extension MessageMaker {
    mutating func watch() throws -> WatchRequest {
        let scope: WatchScope =
            switch below(5) {
            case 0: .everything
            case 1: .job(try jobId())
            case 2: .thing(try thingName())
            case 3: .execution(try jobId(), try thingName())
            default: .queue(try thingName())
            }
        var request = WatchRequest(scope: scope, fromRevision: optional { $0.long() }, credit: short())
        if case .queue = scope { request.fromRevision = nil }
        return request
    }

    mutating func event(revision: UInt64) throws -> JobExecutionEvent {
        let subject: JobExecutionEvent.Subject =
            switch below(4) {
            case 0:
                .execution(
                    JobExecutionEventState(
                        thingName: try thingName(), executionNumber: number(), versionNumber: number(),
                        retryAttempt: UInt16(truncatingIfNeeded: long()), from: optional { $0.status() },
                        to: status(), forceCanceled: flag(), statusDetails: try details()))
            case 1:
                .executionDeleted(
                    thingName: try thingName(), executionNumber: number(), versionNumber: number(),
                    retryAttempt: UInt16(truncatingIfNeeded: long()), from: status())
            case 2: .job(from: optional { $0.jobStatus() }, to: jobStatus())
            default: .jobDeleted(from: jobStatus())
            }
        return JobExecutionEvent(
            revision: revision, atMilliseconds: number(), actor: [.device, .fleetOperator, .service][below(3)],
            jobId: try jobId(), subject: subject)
    }

    /// Revisions rise, and the message's is at least the last one's (`WAT-1`).
    mutating func events(_ countMax: Int = 8) throws -> EventsMessage {
        var revision = long() >> 1
        let events = try (0..<below(countMax + 1)).map { _ in
            revision += 1 + UInt64(below(3))
            return try event(revision: revision)
        }
        return EventsMessage(revision: revision + UInt64(below(2)), events: events)
    }
}
