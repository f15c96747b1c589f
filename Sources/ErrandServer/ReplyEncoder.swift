internal import ErrandCore
internal import ErrandStore
internal import ErrandWire

/// Calls with their outcomes, on their way into replies.
struct DecidedCalls {
    let calls: DecodedCalls
    let outcomes: [StoreOutcome]
    let describes: DescribeLane

    /// The reply to a describe, from the pieces in the lane; nothing if it was refused. False if the client takes no frame of
    /// that size.
    fileprivate func appendDescription(
        _ place: Int, _ requestId: UInt64, to encoder: inout SegmentEncoder
    ) -> Bool? {
        guard let found = describes[place] else { return nil }
        return describes.withDetails(of: found) { details, count in
            JobExecutionBody.appendReply(
                requestId: requestId, names: describes.names(of: place), facts: found.facts,
                approximateSecondsBeforeTimedOut: found.approximateSecondsBeforeTimedOut, details: details,
                detailsCount: count, to: &encoder)
        }
    }

    /// The body of a describe's reply, from the pieces in the lane. The names are those asked for.
    fileprivate func writeDescription(_ place: Int, to writer: inout ByteWriter) {
        guard let found = describes[place] else { return }
        describes.withDetails(of: found) { details, count in
            JobExecutionBody.write(
                jobId: describes.jobId(of: place), thingName: describes.thingName(of: place), facts: found.facts,
                approximateSecondsBeforeTimedOut: found.approximateSecondsBeforeTimedOut, details: details,
                detailsCount: count, jobDocument: nil, to: &writer)
        }
    }
}

/// Writes the outcomes of a batch as reply frames.
struct ReplyEncoder {
    let status: ServerStatus

    func encode(_ call: DecodedCalls.Call, of decided: borrowing DecidedCalls, into encoder: inout SegmentEncoder) {
        switch call.work {
        case .one(.describe(let place)): describe(place, call, decided, into: &encoder)
        case .one(let item): write(call, item, decided, into: &encoder)
        case .batch(let items): writeBatch(call, items, decided, into: &encoder)
        }
    }

    private func describe(
        _ place: Int, _ call: DecodedCalls.Call, _ decided: borrowing DecidedCalls, into encoder: inout SegmentEncoder
    ) {
        switch decided.appendDescription(place, call.requestId, to: &encoder) {
        case true?: break
        case false?: writeTooLarge(call, into: &encoder)
        case nil:
            if let refusal = decided.describes.refusal(of: place) { writeFailure(refusal, call, into: &encoder) }
        }
    }

    private func write(
        _ call: DecodedCalls.Call, _ item: DecodedCalls.Item, _ decided: borrowing DecidedCalls,
        into encoder: inout SegmentEncoder
    ) {
        switch item {
        case .refused(let index): writeFailure(decided.calls.refusals[index], call, into: &encoder)
        case .health: writeReply(status.health, call, into: &encoder)
        case .serverInfo: writeReply(status.info, call, into: &encoder)
        case .watch(let index):
            switch decided.calls.watches[index] {
            case .success(let begun): writeReply(begun, call, into: &encoder)
            case .failure(let refusal): writeFailure(refusal, call, into: &encoder)
            }
        case .describe(let place): describe(place, call, decided, into: &encoder)
        case .command(let index):
            switch decided.outcomes[index] {
            case .described: break
            case .refused(let refusal): writeFailure(refusal, call, into: &encoder)
            case .execution(nil): begin(call, rootByteCount: 0, &encoder); end(call, &encoder)
            case .execution(let view?):
                begin(call, rootByteCount: JobExecutionBody.rootByteCount, &encoder)
                view.write(to: &encoder.body)
                end(call, &encoder)
            case .changed(let change, let document):
                begin(call, rootByteCount: JobExecutionChange.rootByteCount, &encoder)
                change.write(jobDocument: document?.bytes, to: &encoder.body)
                end(call, &encoder)
            case .pending(let pending): writeReply(pending, call, into: &encoder)
            case .page(let page): writeReply(page, call, into: &encoder)
            case .targetsReceived(let receipt): writeReply(receipt, call, into: &encoder)
            case .job(let job): writeReply(job, call, into: &encoder)
            case .jobDeleted, .executionDeleted: writeReply(Done(), call, into: &encoder)
            case .targetsRemoved(let count): writeReply(RemovedTargets(removedCount: count), call, into: &encoder)
            case .jobPage(let page): writeReply(page, call, into: &encoder)
            case .history(let page): writeReply(page, call, into: &encoder)
            case .jobDocument(let document):
                begin(call, rootByteCount: JobDocumentReply.rootByteCount, &encoder)
                JobDocumentReply.write(document.bytes, to: &encoder.body)
                end(call, &encoder)
            }
        }
    }

    private func begin(_ call: DecodedCalls.Call, rootByteCount: Int, _ encoder: inout SegmentEncoder) {
        encoder.beginFrame(call.opcode, flags: .reply, rootByteCount: rootByteCount, requestId: call.requestId)
    }

    private func end(_ call: DecodedCalls.Call, _ encoder: inout SegmentEncoder) {
        if !encoder.endFrame() { writeTooLarge(call, into: &encoder) }
    }

    private func writeTooLarge(_ call: DecodedCalls.Call, into encoder: inout SegmentEncoder) {
        // The effect of a change stands; only its reply is too long for what this client takes.
        let isMutation = Opcode(rawValue: call.opcode)?.isMutation ?? false
        writeFailure(
            Failure(
                applied: isMutation ? .yes : .no,
                message: "the reply is larger than the \(encoder.segmentByteCountMax) bytes the client takes"),
            .resourceExhausted, call, into: &encoder)
    }

    private func writeReply<Body: Message>(
        _ message: Body, _ call: DecodedCalls.Call, into encoder: inout SegmentEncoder
    ) {
        begin(call, rootByteCount: Body.rootByteCount, &encoder)
        message.writeBody(to: &encoder.body)
        end(call, &encoder)
    }

    private func writeFailure(_ refusal: Refusal, _ call: DecodedCalls.Call, into encoder: inout SegmentEncoder) {
        writeFailure(Failure(refusal), refusal.code, call, into: &encoder)
    }

    private func writeFailure(
        _ failure: Failure, _ code: StatusCode, _ call: DecodedCalls.Call, into encoder: inout SegmentEncoder
    ) {
        encoder.beginFrame(
            call.opcode, flags: .reply, status: code, rootByteCount: Failure.rootByteCount, requestId: call.requestId)
        failure.writeBody(to: &encoder.body)
        _ = encoder.endFrame()
    }

    // MARK: Batches

    private func writeBatch(
        _ call: DecodedCalls.Call, _ items: Range<Int>, _ decided: borrowing DecidedCalls,
        into encoder: inout SegmentEncoder
    ) {
        begin(call, rootByteCount: BatchReply.rootByteCount, &encoder)
        BatchReply.write(itemCount: items.count, to: &encoder.body)
        // Every later item needs at most this much if it has to be cut (`BAT-3`).
        let reserve = 128
        for index in items {
            let itemsAfter = items.upperBound - index - 1
            let before = encoder.body.bytes.count
            writeItem(decided.calls.items[index], decided, to: &encoder.body)
            if encoder.openFrameByteCount + itemsAfter * reserve > encoder.segmentByteCountMax {
                encoder.body.truncate(to: before)
                let isMutation = Opcode(rawValue: call.opcode)?.isMutation ?? false
                encoder.body.appendRecord(
                    Failure(applied: isMutation ? .yes : .no, message: "the batch's reply is full; describe it alone"),
                    status: .resourceExhausted)
            }
        }
        end(call, &encoder)
    }

    private func writeItem(_ item: DecodedCalls.Item, _ decided: borrowing DecidedCalls, to writer: inout ByteWriter) {
        switch item {
        case .refused(let index):
            writer.appendRecord(failure(decided.calls.refusals[index]), status: decided.calls.refusals[index].code)
        case .health, .serverInfo, .watch: break
        case .describe(let place):
            if let refusal = decided.describes.refusal(of: place) {
                writer.appendRecord(failure(refusal), status: refusal.code)
            } else {
                let start = writer.beginRecord(rootByteCount: JobExecutionBody.rootByteCount)
                decided.writeDescription(place, to: &writer)
                writer.endRecord(start)
            }
        case .command(let index):
            switch decided.outcomes[index] {
            case .refused(let refusal): writer.appendRecord(failure(refusal), status: refusal.code)
            case .execution(let view?):
                let start = writer.beginRecord(rootByteCount: JobExecutionBody.rootByteCount)
                view.write(to: &writer)
                writer.endRecord(start)
            case .changed(let change, let document):
                let start = writer.beginRecord(rootByteCount: JobExecutionChange.rootByteCount)
                change.write(jobDocument: document?.bytes, to: &writer)
                writer.endRecord(start)
            case .described, .execution(nil), .pending, .page, .targetsReceived, .job, .jobDeleted, .executionDeleted,
                .targetsRemoved, .jobPage, .jobDocument, .history:
                break
            }
        }
    }

    /// Inside a batch a state goes without its details (SPEC §8.3).
    private func failure(_ refusal: Refusal) -> Failure {
        var failure = Failure(refusal)
        failure.executionState?.statusDetails = StatusDetails()
        failure.message = String(failure.message.prefix(48))
        return failure
    }
}

extension StoredExecutionView {
    func write(to writer: inout ByteWriter) {
        JobExecutionBody.write(
            jobId: jobId, thingName: thingName, record: record,
            approximateSecondsBeforeTimedOut: approximateSecondsBeforeTimedOut, jobDocument: jobDocument?.bytes,
            to: &writer)
    }
}
