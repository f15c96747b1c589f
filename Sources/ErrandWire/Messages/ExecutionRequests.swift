package import ErrandCore

extension DescribeJobExecutionRequest: RequestMessage {
    package typealias Reply = JobExecution
    package static let opcode = Opcode.describeJobExecution
    package static let isMutation = false
    package static let rootByteCount = 16

    package func writeBody(to writer: inout ByteWriter) {
        let jobId = jobId.bytes
        let thingName = thingName.bytes
        writer.append(byteCount: Self.byteCount(jobId, thingName)) {
            Self.put(jobId, thingName, executionNumber, &$0)
        }
    }

    /// Appends the call for the latest attempt as a whole frame. False if it is larger than the peer takes.
    @inline(__always)
    package static func append(
        jobId: RawSpan, thingName: RawSpan, requestId: UInt64, to encoder: inout SegmentEncoder
    ) -> Bool {
        encoder.appendFrame(
            opcode.rawValue, flags: [], rootByteCount: rootByteCount, requestId: requestId,
            bodyByteCount: byteCount(jobId, thingName)
        ) { put(jobId, thingName, nil, &$0) }
    }

    /// The names' counts take 2 bytes each.
    private static func byteCount(_ jobId: RawSpan, _ thingName: RawSpan) -> Int {
        rootByteCount + jobId.byteCount + thingName.byteCount + 4
    }

    @inline(__always)
    private static func put(
        _ jobId: RawSpan, _ thingName: RawSpan, _ executionNumber: Int64?, _ place: inout WritePlace
    ) {
        place.put(presence(1, when: executionNumber != nil))
        place.put(0 as UInt32)
        place.put(executionNumber ?? 0)
        place.putText16(jobId)
        place.putText16(thingName)
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b11)
        let executionNumber = reader.optional(8, bit: 1, as: Int64.self)
        let jobId = try reader.jobId()
        let thingName = try reader.thingName()
        self.init(jobId: jobId, thingName: thingName, executionNumber: executionNumber)
        try reader.finish()
    }
}

/// A describe of the latest attempt, as it stands in the bytes received: nearly every call is one.
package struct PlainDescribe: ~Escapable {
    /// Both names, each behind its byte count, as they go into the reply. Not checked for what characters they have:
    /// names of something that exists are right.
    package let names: RawSpan
    package let jobIdByteCount: UInt8
    package let thingNameByteCount: UInt8

    /// Nothing if anything is unusual about it: then `DescribeJobExecutionRequest` says what it is.
    @_lifetime(copy body)
    package init?(_ body: RawSpan, _ header: FrameHeader) {
        let rootByteCount = DescribeJobExecutionRequest.rootByteCount
        guard Int(header.rootWordCount) * 8 == rootByteCount, !header.flags.contains(.tail),
            body.byteCount >= rootByteCount + 2,
            // Nothing but a timeout.
            body.loadLittleEndian(at: 0, as: UInt32.self) & ~1 == 0
        else { return nil }
        let jobIdByteCount = Int(body.loadLittleEndian(at: rootByteCount, as: UInt16.self))
        let thingNameStart = rootByteCount + 2 + jobIdByteCount + 2
        guard 1...FieldLimits.jobIdByteCountMax ~= jobIdByteCount, thingNameStart < body.byteCount else { return nil }
        let thingNameByteCount = Int(body.loadLittleEndian(at: thingNameStart - 2, as: UInt16.self))
        guard thingNameByteCount <= FieldLimits.thingNameByteCountMax,
            thingNameStart + thingNameByteCount == body.byteCount
        else { return nil }
        names = body.extracting(droppingFirst: rootByteCount)
        self.jobIdByteCount = UInt8(jobIdByteCount)
        self.thingNameByteCount = UInt8(thingNameByteCount)
    }
}

extension DescribeOwnJobExecutionRequest: RequestMessage {
    package typealias Reply = PossibleJobExecution
    package static let opcode = Opcode.describeOwnJobExecution
    package static let isMutation = false
    package static let rootByteCount = 24

    /// What stands in place of a job id for the head of the pending list.
    private static let next = "$next"

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(presence(1, when: executionNumber != nil), at: 0)
            root.store(executionNumber, at: 8)
            root.store(includeJobDocument, at: 16)
        }
        if let jobId { writer.appendName(jobId) } else { writer.appendText16(Self.next) }
        writer.appendName(thingName)
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b11)
        let executionNumber = reader.optional(8, bit: 1, as: Int64.self)
        let includeJobDocument = try reader.bool(16, "includeJobDocument")
        try reader.requireZero(17..<24)
        let jobIdBytes = try reader.text16()
        var jobId: JobId?
        if !jobIdBytes.withUnsafeBytes({ $0.elementsEqual(Self.next.utf8) }) {
            do throws(InvalidField) { jobId = try JobId(bytes: jobIdBytes) } catch { reader.note(error) }
        }
        let thingName = try reader.thingName()
        self.init(
            jobId: jobId, thingName: thingName, executionNumber: executionNumber,
            includeJobDocument: includeJobDocument)
        try reader.finish()
    }
}

extension UpdateJobExecutionRequest: RequestMessage {
    package typealias Reply = JobExecutionChange
    package static let opcode = Opcode.updateJobExecution
    package static let isMutation = true
    package static let rootByteCount = 56

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(
                presence(1, when: expectedVersion != nil) | presence(2, when: executionNumber != nil)
                    | presence(3, when: stepTimeoutInMinutes != nil) | presence(4, when: statusDetails != nil)
                    | presence(5, when: idempotencyKey != nil), at: 0)
            root.store(status.rawValue, at: 8)
            root.store(mergeStatusDetails, at: 9)
            root.store(includeJobExecutionState, at: 10)
            root.store(includeJobDocument, at: 11)
            root.store(expectedVersion, at: 16)
            root.store(executionNumber, at: 24)
            root.store(stepTimeoutInMinutes, at: 32)
            root.store(idempotencyKey, at: 40)
        }
        writer.appendName(jobId)
        writer.appendName(thingName)
        writer.appendDetails(statusDetails)
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b111111)
        let status = try reader.executionStatus(8)
        let mergeStatusDetails = try reader.bool(9, "mergeStatusDetails")
        let includeJobExecutionState = try reader.bool(10, "includeJobExecutionState")
        let includeJobDocument = try reader.bool(11, "includeJobDocument")
        try reader.requireZero(12..<16)
        let jobId = try reader.jobId()
        let thingName = try reader.thingName()
        let details = try reader.optionalDetails(bit: 4)
        self.init(
            jobId: jobId, thingName: thingName, status: status, statusDetails: details,
            mergeStatusDetails: mergeStatusDetails,
            expectedVersion: reader.optional(16, bit: 1, as: Int64.self),
            executionNumber: reader.optional(24, bit: 2, as: Int64.self),
            stepTimeoutInMinutes: reader.optional(32, bit: 3, as: Int64.self),
            includeJobExecutionState: includeJobExecutionState, includeJobDocument: includeJobDocument,
            idempotencyKey: reader.idempotencyKey(at: 40, bit: 5))
        try reader.finish()
    }
}

extension CancelJobExecutionRequest: RequestMessage {
    package typealias Reply = JobExecutionChange
    package static let opcode = Opcode.cancelJobExecution
    package static let isMutation = true
    package static let rootByteCount = 48

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(
                presence(1, when: expectedVersion != nil) | presence(2, when: executionNumber != nil)
                    | presence(3, when: statusDetails != nil) | presence(4, when: idempotencyKey != nil), at: 0)
            root.store(force, at: 8)
            root.store(expectedVersion, at: 16)
            root.store(executionNumber, at: 24)
            root.store(idempotencyKey, at: 32)
        }
        writer.appendName(jobId)
        writer.appendName(thingName)
        writer.appendDetails(statusDetails)
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b11111)
        let force = try reader.bool(8, "force")
        try reader.requireZero(9..<16)
        let jobId = try reader.jobId()
        let thingName = try reader.thingName()
        let details = try reader.optionalDetails(bit: 3)
        self.init(
            jobId: jobId, thingName: thingName, force: force,
            expectedVersion: reader.optional(16, bit: 1, as: Int64.self),
            executionNumber: reader.optional(24, bit: 2, as: Int64.self), statusDetails: details,
            idempotencyKey: reader.idempotencyKey(at: 32, bit: 4))
        try reader.finish()
    }
}

extension StartNextPendingJobExecutionRequest: RequestMessage {
    package typealias Reply = PossibleJobExecution
    package static let opcode = Opcode.startNextPendingJobExecution
    package static let isMutation = true
    package static let rootByteCount = 32

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(
                presence(1, when: stepTimeoutInMinutes != nil) | presence(2, when: statusDetails != nil)
                    | presence(3, when: idempotencyKey != nil), at: 0)
            root.store(stepTimeoutInMinutes, at: 8)
            root.store(idempotencyKey, at: 16)
        }
        writer.appendName(thingName)
        writer.appendDetails(statusDetails)
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b1111)
        let thingName = try reader.thingName()
        let details = try reader.optionalDetails(bit: 2)
        self.init(
            thingName: thingName, statusDetails: details,
            stepTimeoutInMinutes: reader.optional(8, bit: 1, as: Int64.self),
            idempotencyKey: reader.idempotencyKey(at: 16, bit: 3))
        try reader.finish()
    }
}
