package import ErrandCore

/// SPEC §8.1, written from what the store holds, so that a reply needs no intermediate object.
package enum JobExecutionBody {
    package static let rootByteCount = 56

    package static func write(
        jobId: JobId, thingName: ThingName, record: ExecutionRecord, approximateSecondsBeforeTimedOut: UInt32?,
        jobDocument: [UInt8]?, to writer: inout ByteWriter
    ) {
        write(
            jobId: jobId.bytes, thingName: thingName.bytes,
            facts: record.facts, approximateSecondsBeforeTimedOut: approximateSecondsBeforeTimedOut,
            details: record.statusDetails.flat.span.bytes, detailsCount: record.statusDetails.count,
            jobDocument: jobDocument, to: &writer)
    }

    /// As a whole frame, from the pieces of a description. False if the receiver takes no frame of that size.
    package static func appendReply(
        opcode: UInt8, requestId: UInt64, jobId: RawSpan, thingName: RawSpan, facts: ExecutionFacts,
        approximateSecondsBeforeTimedOut: UInt32?, details: RawSpan, detailsCount: Int, to encoder: inout SegmentEncoder
    ) -> Bool {
        encoder.appendFrame(
            opcode, flags: .reply, rootByteCount: rootByteCount, requestId: requestId,
            bodyByteCount: byteCount(jobId, thingName, details, nil)
        ) { place in
            put(jobId, thingName, facts, approximateSecondsBeforeTimedOut, details, detailsCount, nil, &place)
        }
    }

    /// From the pieces of a description; `details` are flat, as in `StatusDetails`.
    package static func write(
        jobId: RawSpan, thingName: RawSpan, facts: ExecutionFacts, approximateSecondsBeforeTimedOut: UInt32?,
        details: RawSpan, detailsCount: Int, jobDocument: [UInt8]?, to writer: inout ByteWriter
    ) {
        writer.append(byteCount: byteCount(jobId, thingName, details, jobDocument)) { place in
            put(jobId, thingName, facts, approximateSecondsBeforeTimedOut, details, detailsCount, jobDocument, &place)
        }
    }

    @inline(__always)
    private static func byteCount(
        _ jobId: RawSpan, _ thingName: RawSpan, _ details: RawSpan, _ jobDocument: [UInt8]?
    ) -> Int {
        // Names, the count of details, the document: 2 + 2 + 2 + 4 bytes of counts.
        rootByteCount + jobId.byteCount + thingName.byteCount + details.byteCount + (jobDocument?.count ?? 0) + 10
    }

    @inline(__always)
    private static func put(
        _ jobId: RawSpan, _ thingName: RawSpan, _ facts: ExecutionFacts, _ approximateSecondsBeforeTimedOut: UInt32?,
        _ details: RawSpan, _ detailsCount: Int, _ jobDocument: [UInt8]?, _ place: inout WritePlace
    ) {
        place.put(
            presence(0, when: facts.startedAtMilliseconds != nil)
                | presence(1, when: approximateSecondsBeforeTimedOut != nil)
                | presence(2, when: jobDocument != nil) | presence(3, when: detailsCount > 0))
        place.put(facts.status.rawValue)
        place.put(UInt8(facts.forceCanceled ? 1 : 0))
        place.put(facts.retryAttempt)
        place.put(facts.executionNumber)
        place.put(facts.versionNumber)
        place.put(facts.queuedAtMilliseconds)
        place.put(facts.startedAtMilliseconds ?? 0)
        place.put(facts.lastUpdatedAtMilliseconds)
        place.put(approximateSecondsBeforeTimedOut ?? 0)
        place.put(0 as UInt32)
        place.putText16(jobId)
        place.putText16(thingName)
        place.put(UInt16(truncatingIfNeeded: detailsCount))
        place.put(details)
        place.put(UInt32(truncatingIfNeeded: jobDocument?.count ?? 0))
        if let jobDocument { place.put(jobDocument.span.bytes) }
    }
}

extension JobExecution: ReplyMessage {
    package static func read(_ body: RawSpan, _ header: FrameHeader) throws(MessageFault) -> JobExecution {
        var reader = try MessageReader(body, header, rootByteCount: JobExecutionBody.rootByteCount)
        return try JobExecution(from: &reader)
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b1111)
        try reader.requireZero(52..<56)
        let forceCanceled = try reader.bool(5, "forceCanceled")
        let status = try reader.executionStatus(4)
        let jobId = try reader.receivedJobId()
        let thingName = try reader.receivedThingName()
        let details = try reader.optionalDetails(bit: 3, isReceived: true)
        let document = try reader.optionalString32("jobDocument", bit: 2)
        self.init(
            jobId: jobId, thingName: thingName, executionNumber: reader.root(8, as: Int64.self), status: status,
            forceCanceled: forceCanceled, statusDetails: details ?? StatusDetails(),
            queuedAtMilliseconds: reader.root(24, as: Int64.self),
            startedAtMilliseconds: reader.optional(32, bit: 0, as: Int64.self),
            lastUpdatedAtMilliseconds: reader.root(40, as: Int64.self),
            versionNumber: reader.root(16, as: Int64.self),
            approximateSecondsBeforeTimedOut: reader.optional(48, bit: 1, as: UInt32.self),
            retryAttempt: reader.root(6, as: UInt16.self), jobDocument: document)
        try reader.finish()
    }
}

/// A reply that has a job execution, or an empty body when nothing is pending (SPEC §9.7, §9.10).
package struct PossibleJobExecution: ReplyMessage {
    package var execution: JobExecution?

    package static func read(_ body: RawSpan, _ header: FrameHeader) throws(MessageFault) -> PossibleJobExecution {
        if body.isEmpty, header.rootWordCount == 0, !header.flags.contains(.tail) {
            return PossibleJobExecution(execution: nil)
        }
        return PossibleJobExecution(execution: try JobExecution.read(body, header))
    }
}

extension JobExecutionSummary: Message {
    package static let rootByteCount = 48

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(presence(0, when: startedAtMilliseconds != nil), at: 0)
            root.store(status.rawValue, at: 4)
            root.store(forceCanceled, at: 5)
            root.store(retryAttempt, at: 6)
            root.store(executionNumber, at: 8)
            root.store(versionNumber, at: 16)
            root.store(queuedAtMilliseconds, at: 24)
            root.store(startedAtMilliseconds, at: 32)
            root.store(lastUpdatedAtMilliseconds, at: 40)
        }
        writer.appendName(jobId)
        writer.appendName(thingName)
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b1)
        let forceCanceled = try reader.bool(5, "forceCanceled")
        let status = try reader.executionStatus(4)
        let jobId = try reader.receivedJobId()
        let thingName = try reader.receivedThingName()
        self.init(
            jobId: jobId, thingName: thingName, executionNumber: reader.root(8, as: Int64.self), status: status,
            forceCanceled: forceCanceled, queuedAtMilliseconds: reader.root(24, as: Int64.self),
            startedAtMilliseconds: reader.optional(32, bit: 0, as: Int64.self),
            lastUpdatedAtMilliseconds: reader.root(40, as: Int64.self),
            versionNumber: reader.root(16, as: Int64.self), retryAttempt: reader.root(6, as: UInt16.self))
        try reader.finish()
    }
}

extension JobExecutionChange: Message, ReplyMessage {
    package static let rootByteCount = 32

    package func writeBody(to writer: inout ByteWriter) {
        write(jobDocument: jobDocument.map { Array($0.utf8) }, to: &writer)
    }

    /// With the document's bytes as the store shares them.
    package func write(jobDocument: [UInt8]?, to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(presence(0, when: statusDetails != nil) | presence(1, when: jobDocument != nil), at: 0)
            root.store(status.rawValue, at: 4)
            root.store(versionNumber, at: 8)
            root.store(executionNumber, at: 16)
            root.store(lastUpdatedAtMilliseconds, at: 24)
        }
        writer.appendDetails(statusDetails)
        writer.appendText32(jobDocument ?? [])
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b11)
        try reader.requireZero(5..<8)
        let status = try reader.executionStatus(4)
        let details = try reader.optionalDetails(bit: 0, isReceived: true)
        let document = try reader.optionalString32("jobDocument", bit: 1)
        self.init(
            status: status, versionNumber: reader.root(8, as: Int64.self),
            executionNumber: reader.root(16, as: Int64.self),
            lastUpdatedAtMilliseconds: reader.root(24, as: Int64.self), statusDetails: details, jobDocument: document)
        try reader.finish()
    }
}
