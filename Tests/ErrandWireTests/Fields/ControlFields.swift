import ErrandWire

extension Hello {
    var vectorFields: Fields {
        [
            "versionMin": field(versionMin), "versionMax": field(versionMax), "features": field(features),
            "segmentByteCountMax": field(segmentByteCountMax), "compressions": field(compressions),
            "checksums": field(checksums), "credentialKind": field(credentialKind), "clientName": field(clientName),
            "clientVersion": field(clientVersion), "credential": field(credential),
        ]
    }
}

extension Welcome {
    var vectorFields: Fields {
        [
            "version": field(version), "compression": field(compression), "checksums": field(checksums),
            "features": field(features), "segmentByteCountMax": field(segmentByteCountMax),
            "callsInFlightMax": field(callsInFlightMax), "bytesInFlightMax": field(bytesInFlightMax),
            "batchItemCountMax": field(batchItemCountMax),
            "pingIntervalMilliseconds": field(pingIntervalMilliseconds),
            "idleTimeoutMilliseconds": field(idleTimeoutMilliseconds), "bootId": field(bootId),
            "nowMilliseconds": field(nowMilliseconds), "serverName": field(serverName),
            "serverVersion": field(serverVersion), "thingArnPrefix": field(thingArnPrefix),
        ]
    }
}

extension ConnectionErrorMessage {
    var vectorFields: Fields { ["reason": field(reason), "message": field(message)] }
}

extension Ping {
    var vectorFields: Fields { ["opaque": field(opaque)] }
}

extension GoAway {
    var vectorFields: Fields {
        [
            "lastRequestId": field(lastRequestId), "graceMilliseconds": field(graceMilliseconds),
            "retryAfterMilliseconds": field(retryAfterMilliseconds), "message": field(message),
        ]
    }
}

extension CancelCall {
    var vectorFields: Fields { [:] }
}

extension MessageExaminer {
    /// A control message by itself; what the connection makes of it is the examiner's business.
    func control() -> Examined {
        switch Opcode(rawValue: header.opcode) {
        case .hello: control(Hello.self, \.vectorFields)
        case .welcome: control(Welcome.self, \.vectorFields)
        case .connectionError: control(ConnectionErrorMessage.self, \.vectorFields)
        case .ping, .pong: control(Ping.self, \.vectorFields)
        case .goAway: control(GoAway.self, \.vectorFields)
        case .cancelCall: control(CancelCall.self, \.vectorFields)
        case .watchCredit: control(WatchCredit.self, \.vectorFields)
        case .endWatch: control(EndWatch.self, { _ in [:] })
        case .events, .notify, .notifyNext, .watchEnded: ofWatch()
        default: .fault(.frameUnexpected)
        }
    }

    private func control<Body: Message>(_ type: Body.Type, _ fields: (Body) -> Fields) -> Examined {
        do throws(ConnectionFault) {
            let message: Body = try decodeControl(header, body.span.bytes)
            return .message(fields(message), encoded: control(message))
        } catch {
            return .fault(error)
        }
    }

    private func control(_ message: some Message) -> [UInt8] {
        encode { encoder in
            if message is CancelCall {
                encoder.appendCancelCall(requestId: header.requestId)
            } else if let credit = message as? WatchCredit {
                encoder.appendWatchCredit(credit.credit, requestId: header.requestId)
            } else if message is EndWatch {
                encoder.appendEndWatch(requestId: header.requestId)
            } else if let opcode = Opcode(rawValue: header.opcode) {
                encoder.appendControl(message, opcode, status: status)
            }
        }
    }
}
