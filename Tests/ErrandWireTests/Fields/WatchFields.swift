import ErrandCore
import ErrandWire

extension WatchRequest {
    var vectorFields: Fields {
        let (number, jobId, thingName) = scope.written
        var fields: Fields = ["credit": field(credit), "scope": field(number)]
        fields.list("fromRevision", fromRevision, field)
        fields.list("jobId", jobId, field)
        fields.list("thingName", thingName, field)
        return fields
    }
}

extension WatchScope {
    /// The row of SPEC §9.23's table.
    fileprivate var written: (number: UInt8, jobId: JobId?, thingName: ThingName?) {
        switch self {
        case .everything: (1, nil, nil)
        case .job(let jobId): (2, jobId, nil)
        case .thing(let thingName): (3, nil, thingName)
        case .execution(let jobId, let thingName): (4, jobId, thingName)
        case .queue(let thingName): (5, nil, thingName)
        }
    }
}

extension WatchBegun {
    var vectorFields: Fields { ["revision": field(revision)] }
}

extension JobExecutionEvent {
    var vectorFields: Fields {
        var fields: Fields = [
            "actor": field(actor.rawValue), "revision": field(revision), "atMilliseconds": field(atMilliseconds),
            "retryAttempt": field(UInt16(0)), "forceCanceled": field(false), "jobId": field(jobId),
        ]
        fields.list("thingName", thingName, field)
        switch subject {
        case .execution(let state):
            fields["kind"] = .number(1)
            fields.list("fromStatus", state.from, field)
            fields["toStatus"] = field(state.to)
            fields["executionNumber"] = field(state.executionNumber)
            fields["versionNumber"] = field(state.versionNumber)
            fields["retryAttempt"] = field(state.retryAttempt)
            fields["forceCanceled"] = field(state.forceCanceled)
            // Absent and empty are the same here (SPEC §8.9).
            if !state.statusDetails.isEmpty { fields["statusDetails"] = field(state.statusDetails) }
        case .executionDeleted(_, let executionNumber, let versionNumber, let retryAttempt, let from):
            fields["kind"] = .number(2)
            fields["fromStatus"] = field(from)
            fields["executionNumber"] = field(executionNumber)
            fields["versionNumber"] = field(versionNumber)
            fields["retryAttempt"] = field(retryAttempt)
        case .job(let from, let to):
            fields["kind"] = .number(3)
            fields.list("fromStatus", from, field)
            fields["toStatus"] = field(to)
        case .jobDeleted(let from):
            fields["kind"] = .number(4)
            fields["fromStatus"] = field(from)
        }
        return fields
    }
}

extension EventsMessage {
    var vectorFields: Fields {
        [
            "count": .number(events.count), "revision": field(revision),
            "events": .array(events.map { .object($0.vectorFields) }),
        ]
    }
}

extension WatchCredit {
    var vectorFields: Fields { ["credit": field(credit)] }
}

extension MessageExaminer {
    /// What a server sends of a watch by itself, read as the client's state reads it, and written as a server writes it.
    func ofWatch() -> Examined {
        switch Opcode(rawValue: header.opcode) {
        case .events:
            ofWatch(EventsMessage.self, \.vectorFields) {
                _ = $1.appendEvents($0.events, revision: $0.revision, requestId: header.requestId)
            }
        case .notify:
            ofWatch(PendingJobExecutions.self, \.vectorFields) {
                $1.appendNotify($0, requestId: header.requestId)
            }
        case .notifyNext:
            ofWatch(PossibleJobExecution.self, { $0.execution?.vectorFields ?? [:] }) { notified, encoder in
                guard let execution = notified.execution else {
                    return encoder.appendNotifyNothing(requestId: header.requestId)
                }
                _ = encoder.appendNotifyNext(requestId: header.requestId) { execution.write(to: &$1) }
            }
        default:
            ofWatch(Failure.self, \.vectorFields) { failure, encoder in
                // No server of ours says when to come again, so the one writer of WATCH_ENDED does not either.
                guard failure.retryAfterMilliseconds != nil else {
                    return encoder.appendWatchEnded(status, message: failure.message, requestId: header.requestId)
                }
                encoder.beginFrame(
                    header.opcode, status: status, rootByteCount: Failure.rootByteCount, requestId: header.requestId)
                failure.writeBody(to: &encoder.body)
                _ = encoder.endFrame()
            }
        }
    }

    private func ofWatch<Body: ReplyMessage>(
        _ type: Body.Type, _ fields: (Body) -> Fields, _ append: (Body, inout SegmentEncoder) -> Void
    ) -> Examined {
        do throws(MessageFault) {
            let message = try Body.read(body.span.bytes, header)
            return .message(fields(message), encoded: encode { append(message, &$0) })
        } catch {
            return .fault(.controlMalformed)
        }
    }
}
