package import ErrandCore

extension CreateJobRequest: RequestMessage {
    package typealias Reply = JobTargetsReceipt
    package static let opcode = Opcode.createJob
    package static let isMutation = true
    package static let rootByteCount = 24

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(
                presence(1, when: inProgressTimeoutInMinutes != nil) | presence(2, when: description != nil), at: 0)
            root.store(inProgressTimeoutInMinutes, at: 8)
            root.store(targetCount, at: 16)
        }
        writer.appendName(jobId)
        writer.appendText16(description ?? "")
        writer.appendText32(document)
        writer.appendNames(targets)
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b111)
        try reader.requireZero(20..<24)
        let jobId = try reader.jobId()
        let description = try reader.optionalString16("description", bit: 2)
        let document = try reader.string32("document", byteCountMax: FieldLimits.jobDocumentByteCountMax)
        let targets = try reader.names()
        self.init(
            jobId: jobId, document: document, description: description,
            inProgressTimeoutInMinutes: reader.optional(8, bit: 1, as: Int64.self),
            targetCount: reader.root(16, as: UInt32.self), targets: targets)
        try reader.finish()
    }
}

extension AddJobTargetsRequest: RequestMessage {
    package typealias Reply = JobTargetsReceipt
    package static let opcode = Opcode.addJobTargets
    package static let isMutation = true
    package static let rootByteCount = 16

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in root.store(targetOffset, at: 8) }
        writer.appendName(jobId)
        writer.appendNames(targets)
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b1)
        try reader.requireZero(12..<16)
        let jobId = try reader.jobId()
        let targets = try reader.names()
        self.init(jobId: jobId, targetOffset: reader.root(8, as: UInt32.self), targets: targets)
        try reader.finish()
    }
}

extension JobTargetsReceipt: Message, ReplyMessage {
    package static let rootByteCount = 16

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(targetsReceived, at: 4)
            root.store(isComplete, at: 8)
        }
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0)
        try reader.requireZero(9..<16)
        self.init(targetsReceived: reader.root(4, as: UInt32.self), isComplete: try reader.bool(8, "isComplete"))
        try reader.finish()
    }
}

extension DescribeJobRequest: RequestMessage {
    package typealias Reply = Job
    package static let opcode = Opcode.describeJob
    package static let isMutation = false
    package static let rootByteCount = 8

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendZeros(Self.rootByteCount)
        writer.appendName(jobId)
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b1)
        self.init(jobId: try reader.jobId())
        try reader.finish()
    }
}

extension Job: Message, ReplyMessage {
    package static let rootByteCount = 88

    /// The order of the counts in SPEC §9.5, from offset 48.
    private static let countedStatuses: [JobExecutionStatus] = [
        .queued, .inProgress, .succeeded, .failed, .timedOut, .rejected, .removed, .canceled,
    ]

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(
                presence(0, when: completedAtMilliseconds != nil)
                    | presence(1, when: inProgressTimeoutInMinutes != nil) | presence(2, when: description != nil),
                at: 0)
            root.store(status.rawValue, at: 4)
            root.store(createdAtMilliseconds, at: 8)
            root.store(lastUpdatedAtMilliseconds, at: 16)
            root.store(completedAtMilliseconds, at: 24)
            root.store(inProgressTimeoutInMinutes, at: 32)
            root.store(targetCount, at: 40)
            root.store(notYetQueuedCount, at: 44)
            for (index, status) in Self.countedStatuses.enumerated() {
                root.store(processDetails[status], at: 48 + index * 4)
            }
        }
        writer.appendName(jobId)
        writer.appendText16(description ?? "")
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b111)
        try reader.requireZero(5..<8)
        try reader.requireZero(80..<88)
        let statusNumber = reader.root(4, as: UInt8.self)
        guard let status = JobStatus(rawValue: statusNumber) else {
            throw .malformed("no job status has number \(statusNumber)")
        }
        var details = JobProcessDetails()
        for (index, status) in Self.countedStatuses.enumerated() {
            details[status] = reader.root(48 + index * 4, as: UInt32.self)
        }
        let jobId = try reader.receivedJobId()
        let description = try reader.optionalString16("description", bit: 2)
        self.init(
            jobId: jobId, description: description, status: status,
            createdAtMilliseconds: reader.root(8, as: Int64.self),
            lastUpdatedAtMilliseconds: reader.root(16, as: Int64.self),
            completedAtMilliseconds: reader.optional(24, bit: 0, as: Int64.self),
            inProgressTimeoutInMinutes: reader.optional(32, bit: 1, as: Int64.self),
            targetCount: reader.root(40, as: UInt32.self), notYetQueuedCount: reader.root(44, as: UInt32.self),
            processDetails: details)
        try reader.finish()
    }
}
