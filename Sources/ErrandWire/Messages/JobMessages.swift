package import ErrandCore

extension CreateJobRequest: RequestMessage {
    package typealias Reply = JobTargetsReceipt
    package static let opcode = Opcode.createJob
    package static let isMutation = true
    package static let rootByteCount = 48

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(
                presence(1, when: inProgressTimeoutInMinutes != nil) | presence(2, when: description != nil)
                    | ConfigurationBlock.presenceBits(configuration.rollout), at: 0)
            root.store(inProgressTimeoutInMinutes, at: 8)
            root.store(targetCount, at: 16)
            root.store(targetSelection.rawValue, at: 20)
            ConfigurationBlock.write(
                retryCriteria: configuration.retryCriteria, rollout: configuration.rollout, into: &root, at: 24)
        }
        writer.appendName(jobId)
        writer.appendText16(description ?? "")
        writer.appendText32(document)
        writer.appendNames(targets)
        writer.appendAborts(configuration.abortCriteria)
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b11111)
        try reader.requireZero(21..<24)
        let selection = reader.root(20, as: UInt8.self)
        guard let targetSelection = TargetSelection(rawValue: selection) else {
            throw .malformed("no target selection has number \(selection)")
        }
        var configuration = JobConfiguration(
            inProgressTimeoutInMinutes: reader.optional(8, bit: 1, as: Int64.self),
            retryCriteria: try reader.retryCriteria(at: 24), rollout: try reader.rollout(at: 24))
        let jobId = try reader.jobId()
        let description = try reader.optionalString16("description", bit: 2)
        let document = try reader.string32("document", byteCountMax: FieldLimits.jobDocumentByteCountMax)
        let targets = try reader.names()
        configuration.abortCriteria = try reader.abortCriteria()
        self.init(
            jobId: jobId, document: document, description: description, configuration: configuration,
            targetCount: reader.root(16, as: UInt32.self), targets: targets)
        self.targetSelection = targetSelection
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
