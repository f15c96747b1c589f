package import ErrandCore

/// SPEC §8.8: the reply of calls that have nothing to say.
package struct Done: Message, ReplyMessage, Equatable {
    package init() {}

    package static let rootByteCount = 8

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendZeros(Self.rootByteCount)
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0)
        try reader.requireZero(4..<8)
        try reader.finish()
    }
}

extension CancelJobRequest: RequestMessage {
    package typealias Reply = Job
    package static let opcode = Opcode.cancelJob
    package static let isMutation = true
    package static let rootByteCount = 32

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(
                presence(1, when: idempotencyKey != nil) | presence(2, when: reasonCode != nil)
                    | presence(3, when: comment != nil), at: 0)
            root.store(force, at: 8)
            root.store(idempotencyKey, at: 16)
        }
        writer.appendName(jobId)
        writer.appendText16(reasonCode ?? "")
        writer.appendText16(comment ?? "")
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b1111)
        let force = try reader.bool(8, "force")
        try reader.requireZero(9..<16)
        let jobId = try reader.jobId()
        let reasonCode = try reader.optionalString16("reasonCode", bit: 2)
        let comment = try reader.optionalString16("comment", bit: 3)
        self.init(
            jobId: jobId, force: force, reasonCode: reasonCode, comment: comment,
            idempotencyKey: reader.idempotencyKey(at: 16, bit: 1))
        try reader.finish()
    }
}

extension DeleteJobRequest: RequestMessage {
    package typealias Reply = Done
    package static let opcode = Opcode.deleteJob
    package static let isMutation = true
    package static let rootByteCount = 32

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(presence(1, when: idempotencyKey != nil), at: 0)
            root.store(force, at: 8)
            root.store(idempotencyKey, at: 16)
        }
        writer.appendName(jobId)
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b11)
        let force = try reader.bool(8, "force")
        try reader.requireZero(9..<16)
        let jobId = try reader.jobId()
        self.init(jobId: jobId, force: force, idempotencyKey: reader.idempotencyKey(at: 16, bit: 1))
        try reader.finish()
    }
}

extension UpdateJobRequest: RequestMessage {
    package typealias Reply = Job
    package static let opcode = Opcode.updateJob
    package static let isMutation = true
    package static let rootByteCount = 64

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(
                presence(1, when: inProgressTimeoutInMinutes != nil) | presence(2, when: description != nil)
                    | ConfigurationBlock.presenceBits(rollout) | presence(5, when: abortCriteria != nil)
                    | presence(6, when: idempotencyKey != nil), at: 0)
            root.store(inProgressTimeoutInMinutes, at: 8)
            ConfigurationBlock.write(retryCriteria: [], rollout: rollout, into: &root, at: 16)
            root.store(endsRetries, at: 40)
            root.store(idempotencyKey, at: 48)
        }
        writer.appendName(jobId)
        writer.appendText16(description ?? "")
        writer.appendAborts(abortCriteria ?? [])
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b111_1111)
        try reader.requireZero(16..<21)
        let rollout = try reader.rollout(at: 16)
        let endsRetries = try reader.bool(40, "endsRetries")
        try reader.requireZero(41..<48)
        let jobId = try reader.jobId()
        let description = try reader.optionalString16("description", bit: 2)
        let aborts = try reader.abortCriteria()
        let hasAborts = try reader.whenPresent(5, "abortCriteria", isEmpty: aborts.isEmpty)
        self.init(
            jobId: jobId, description: description,
            inProgressTimeoutInMinutes: reader.optional(8, bit: 1, as: Int64.self), rollout: rollout,
            abortCriteria: hasAborts ? aborts : nil, endsRetries: endsRetries,
            idempotencyKey: reader.idempotencyKey(at: 48, bit: 6))
        try reader.finish()
    }
}

extension GetJobDocumentRequest: RequestMessage {
    package typealias Reply = JobDocumentReply
    package static let opcode = Opcode.getJobDocument
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

/// SPEC §9.19.
package struct JobDocumentReply: Message, ReplyMessage, Equatable {
    package var document: String

    package init(document: String) {
        self.document = document
    }

    package static let rootByteCount = 8

    package func writeBody(to writer: inout ByteWriter) {
        Self.write(Array(document.utf8), to: &writer)
    }

    /// With the document's bytes as the store shares them.
    package static func write(_ document: [UInt8], to writer: inout ByteWriter) {
        writer.appendZeros(rootByteCount)
        writer.appendText32(document)
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0)
        try reader.requireZero(4..<8)
        document = try reader.string32("document")
        try reader.finish()
    }
}

extension RemoveJobTargetsRequest: RequestMessage {
    package typealias Reply = RemovedTargets
    package static let opcode = Opcode.removeJobTargets
    package static let isMutation = true
    package static let rootByteCount = 24

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(presence(1, when: idempotencyKey != nil), at: 0)
            root.store(idempotencyKey, at: 8)
        }
        writer.appendName(jobId)
        writer.appendNames(targets)
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b11)
        let jobId = try reader.jobId()
        let targets = try reader.names()
        self.init(jobId: jobId, targets: targets, idempotencyKey: reader.idempotencyKey(at: 8, bit: 1))
        try reader.finish()
    }
}

/// SPEC §9.20.
package struct RemovedTargets: Message, ReplyMessage, Equatable {
    package var removedCount: UInt32

    package init(removedCount: UInt32) {
        self.removedCount = removedCount
    }

    package static let rootByteCount = 8

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in root.store(removedCount, at: 4) }
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0)
        removedCount = reader.root(4, as: UInt32.self)
        try reader.finish()
    }
}
