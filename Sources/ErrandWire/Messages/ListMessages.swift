package import ErrandCore

extension GetPendingJobExecutionsRequest: RequestMessage {
    package typealias Reply = PendingJobExecutions
    package static let opcode = Opcode.getPendingJobExecutions
    package static let isMutation = false
    package static let rootByteCount = 16

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(presence(1, when: maxResults != nil) | presence(2, when: nextToken != nil), at: 0)
            root.store(maxResults, at: 8)
        }
        writer.appendName(thingName)
        writer.appendBytes16(nextToken ?? [])
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b111)
        try reader.requireZero(12..<16)
        let thingName = try reader.thingName()
        let token = try reader.nextToken(bit: 2)
        self.init(thingName: thingName, maxResults: reader.optional(8, bit: 1, as: UInt32.self), nextToken: token)
        try reader.finish()
    }
}

extension PendingJobExecutions: Message, ReplyMessage {
    package static let rootByteCount = 16

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(presence(0, when: nextToken != nil), at: 0)
            root.store(totalCount, at: 4)
            root.store(UInt32(truncatingIfNeeded: inProgressJobs.count), at: 8)
            root.store(UInt32(truncatingIfNeeded: queuedJobs.count), at: 12)
        }
        writer.appendBytes16(nextToken ?? [])
        for summary in inProgressJobs { writer.appendRecord(summary) }
        for summary in queuedJobs { writer.appendRecord(summary) }
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b1)
        let token = try reader.optionalBytes16("nextToken", bit: 0)
        let inProgress = try reader.summaries(reader.root(8, as: UInt32.self))
        let queued = try reader.summaries(reader.root(12, as: UInt32.self))
        self.init(
            inProgressJobs: inProgress, queuedJobs: queued, totalCount: reader.root(4, as: UInt32.self),
            nextToken: token)
        try reader.finish()
    }
}

/// The two lists differ only in whose executions they show.
private struct ListRoot {
    var maxResults: UInt32?
    var status: JobExecutionStatus?
    var nextToken: [UInt8]?

    static let rootByteCount = 16

    func write(to writer: inout ByteWriter, name: (inout ByteWriter) -> Void) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(
                presence(1, when: maxResults != nil) | presence(2, when: status != nil)
                    | presence(3, when: nextToken != nil), at: 0)
            root.store(maxResults, at: 8)
            root.store(status?.rawValue, at: 12)
        }
        name(&writer)
        writer.appendBytes16(nextToken ?? [])
    }

    init(maxResults: UInt32?, status: JobExecutionStatus?, nextToken: [UInt8]?) {
        self.maxResults = maxResults
        self.status = status
        self.nextToken = nextToken
    }

    init(rootOf reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b1111)
        try reader.requireZero(13..<16)
        maxResults = reader.optional(8, bit: 1, as: UInt32.self)
        status = reader.isPresent(2) ? try reader.executionStatus(12) : nil
    }
}

extension ListJobExecutionsForJobRequest: RequestMessage {
    package typealias Reply = JobExecutionPage
    package static let opcode = Opcode.listJobExecutionsForJob
    package static let isMutation = false
    package static let rootByteCount = ListRoot.rootByteCount

    package func writeBody(to writer: inout ByteWriter) {
        ListRoot(maxResults: maxResults, status: status, nextToken: nextToken)
            .write(to: &writer) { $0.appendName(jobId) }
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        let root = try ListRoot(rootOf: &reader)
        let jobId = try reader.jobId()
        let token = try reader.nextToken(bit: 3)
        self.init(jobId: jobId, status: root.status, maxResults: root.maxResults, nextToken: token)
        try reader.finish()
    }
}

extension ListJobExecutionsForThingRequest: RequestMessage {
    package typealias Reply = JobExecutionPage
    package static let opcode = Opcode.listJobExecutionsForThing
    package static let isMutation = false
    package static let rootByteCount = ListRoot.rootByteCount

    package func writeBody(to writer: inout ByteWriter) {
        ListRoot(maxResults: maxResults, status: status, nextToken: nextToken)
            .write(to: &writer) { $0.appendName(thingName) }
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        let root = try ListRoot(rootOf: &reader)
        let thingName = try reader.thingName()
        let token = try reader.nextToken(bit: 3)
        self.init(thingName: thingName, status: root.status, maxResults: root.maxResults, nextToken: token)
        try reader.finish()
    }
}

extension JobExecutionPage: Message, ReplyMessage {
    package static let rootByteCount = 8

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(presence(0, when: nextToken != nil), at: 0)
            root.store(UInt32(truncatingIfNeeded: executions.count), at: 4)
        }
        writer.appendBytes16(nextToken ?? [])
        for summary in executions { writer.appendRecord(summary) }
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b1)
        let token = try reader.optionalBytes16("nextToken", bit: 0)
        self.init(executions: try reader.summaries(reader.root(4, as: UInt32.self)), nextToken: token)
        try reader.finish()
    }
}

extension MessageReader {
    fileprivate mutating func nextToken(bit: Int) throws(MessageFault) -> [UInt8]? {
        try optionalBytes16("nextToken", bit: bit, byteCountMax: FieldLimits.nextTokenByteCountMax)
    }

    fileprivate mutating func summaries(_ count: UInt32) throws(MessageFault) -> [JobExecutionSummary] {
        var summaries: [JobExecutionSummary] = []
        for _ in 0..<count {
            let header = try recordHeader()
            var record = try takeRecordBody(header, rootByteCount: JobExecutionSummary.rootByteCount)
            guard header.status == 0 else { throw .malformed("a record of a list has status \(header.status)") }
            summaries.append(try JobExecutionSummary(from: &record))
        }
        return summaries
    }
}

extension ByteWriter {
    /// Begins a record (SPEC §8.4); `endRecord` fills in its length.
    package mutating func beginRecord(status: StatusCode = .ok, rootByteCount: Int) -> Int {
        let start = bytes.count
        appendZeros(8)
        withMutableBytes { bytes in
            bytes.storeLittleEndian(status.rawValue, at: start + 4)
            bytes.storeLittleEndian(UInt8(rootByteCount / 8), at: start + 6)
        }
        return start
    }

    package mutating func endRecord(_ start: Int) {
        let bodyByteCount = UInt32(truncatingIfNeeded: bytes.count - start - 8)
        withMutableBytes { bytes in bytes.storeLittleEndian(bodyByteCount, at: start) }
    }

    package mutating func appendRecord<Body: Message>(_ message: Body, status: StatusCode = .ok) {
        let start = beginRecord(status: status, rootByteCount: Body.rootByteCount)
        message.writeBody(to: &self)
        endRecord(start)
    }
}
