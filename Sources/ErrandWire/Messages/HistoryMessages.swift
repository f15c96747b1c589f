package import ErrandCore

extension DeleteJobExecutionRequest: RequestMessage {
    package typealias Reply = Done
    package static let opcode = Opcode.deleteJobExecution
    package static let isMutation = true
    package static let rootByteCount = 40

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(presence(1, when: idempotencyKey != nil), at: 0)
            root.store(executionNumber, at: 8)
            root.store(force, at: 16)
            root.store(idempotencyKey, at: 24)
        }
        writer.appendName(jobId)
        writer.appendName(thingName)
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b11)
        let force = try reader.bool(16, "force")
        try reader.requireZero(17..<24)
        let jobId = try reader.jobId()
        let thingName = try reader.thingName()
        self.init(
            jobId: jobId, thingName: thingName, executionNumber: reader.root(8, as: Int64.self), force: force,
            idempotencyKey: reader.idempotencyKey(at: 24, bit: 1))
        try reader.finish()
    }
}

extension GetJobExecutionHistoryRequest: RequestMessage {
    package typealias Reply = JobExecutionHistoryPage
    package static let opcode = Opcode.getJobExecutionHistory
    package static let isMutation = false
    package static let rootByteCount = 24

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(
                presence(1, when: executionNumber != nil) | presence(2, when: maxResults != nil)
                    | presence(3, when: nextToken != nil), at: 0)
            root.store(executionNumber, at: 8)
            root.store(maxResults, at: 16)
        }
        writer.appendName(jobId)
        writer.appendName(thingName)
        writer.appendBytes16(nextToken ?? [])
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b1111)
        try reader.requireZero(20..<24)
        let jobId = try reader.jobId()
        let thingName = try reader.thingName()
        let token = try reader.requestedToken(bit: 3)
        self.init(
            jobId: jobId, thingName: thingName, executionNumber: reader.optional(8, bit: 1, as: Int64.self),
            maxResults: reader.optional(16, bit: 2, as: UInt32.self), nextToken: token)
        try reader.finish()
    }
}

extension JobExecutionHistoryEntry: Message {
    package static let rootByteCount = 24

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(presence(0, when: fromStatus != nil) | presence(1, when: !statusDetails.isEmpty), at: 0)
            root.store(kind.rawValue, at: 4)
            root.store(actor.rawValue, at: 5)
            root.store(fromStatus?.rawValue, at: 6)
            root.store(toStatus.rawValue, at: 7)
            root.store(atMilliseconds, at: 8)
            root.store(versionNumber, at: 16)
        }
        writer.appendDetails(statusDetails)
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b11)
        guard let kind = Kind(rawValue: reader.root(4, as: UInt8.self)) else { throw .malformed("an unknown kind") }
        guard let actor = JobExecutionHistoryEntry.Actor(rawValue: reader.root(5, as: UInt8.self)) else {
            throw .malformed("an unknown actor")
        }
        let fromStatus = reader.isPresent(0) ? try reader.executionStatus(6) : nil
        let toStatus = try reader.executionStatus(7)
        let details = try reader.optionalDetails(bit: 1, isReceived: true)
        self.init(
            kind: kind, actor: actor, atMilliseconds: reader.root(8, as: Int64.self), fromStatus: fromStatus,
            toStatus: toStatus, versionNumber: reader.root(16, as: Int64.self),
            statusDetails: details ?? StatusDetails())
        try reader.finish()
    }
}

extension JobExecutionHistoryPage: Message, ReplyMessage {
    package static let rootByteCount = 16

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(presence(0, when: nextToken != nil), at: 0)
            root.store(UInt32(truncatingIfNeeded: entries.count), at: 4)
            root.store(droppedCount, at: 8)
        }
        writer.appendBytes16(nextToken ?? [])
        for entry in entries { writer.appendRecord(entry) }
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b1)
        try reader.requireZero(12..<16)
        let token = try reader.receivedToken(bit: 0)
        self.init(
            entries: try reader.records(reader.root(4, as: UInt32.self)),
            droppedCount: reader.root(8, as: UInt32.self), nextToken: token)
        try reader.finish()
    }
}

extension ListJobsRequest: RequestMessage {
    package typealias Reply = JobPage
    package static let opcode = Opcode.listJobs
    package static let isMutation = false
    package static let rootByteCount = 16

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(
                presence(1, when: maxResults != nil) | presence(2, when: status != nil)
                    | presence(3, when: nextToken != nil), at: 0)
            root.store(maxResults, at: 8)
            root.store(status?.rawValue, at: 12)
        }
        writer.appendBytes16(nextToken ?? [])
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b1111)
        try reader.requireZero(13..<16)
        let status = reader.isPresent(2) ? try reader.jobStatus(12) : nil
        let token = try reader.requestedToken(bit: 3)
        self.init(status: status, maxResults: reader.optional(8, bit: 1, as: UInt32.self), nextToken: token)
        try reader.finish()
    }
}

extension JobSummary: Message {
    package static let rootByteCount = 40

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(presence(0, when: completedAtMilliseconds != nil), at: 0)
            root.store(status.rawValue, at: 4)
            root.store(createdAtMilliseconds, at: 8)
            root.store(lastUpdatedAtMilliseconds, at: 16)
            root.store(completedAtMilliseconds, at: 24)
            root.store(targetCount, at: 32)
        }
        writer.appendName(jobId)
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b1)
        try reader.requireZero(5..<8)
        try reader.requireZero(36..<40)
        let status = try reader.jobStatus(4)
        let jobId = try reader.receivedJobId()
        self.init(
            jobId: jobId, status: status, createdAtMilliseconds: reader.root(8, as: Int64.self),
            lastUpdatedAtMilliseconds: reader.root(16, as: Int64.self),
            completedAtMilliseconds: reader.optional(24, bit: 0, as: Int64.self),
            targetCount: reader.root(32, as: UInt32.self))
        try reader.finish()
    }
}

extension JobPage: Message, ReplyMessage {
    package static let rootByteCount = 8

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(presence(0, when: nextToken != nil), at: 0)
            root.store(UInt32(truncatingIfNeeded: jobs.count), at: 4)
        }
        writer.appendBytes16(nextToken ?? [])
        for job in jobs { writer.appendRecord(job) }
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b1)
        let token = try reader.receivedToken(bit: 0)
        self.init(jobs: try reader.records(reader.root(4, as: UInt32.self)), nextToken: token)
        try reader.finish()
    }
}
