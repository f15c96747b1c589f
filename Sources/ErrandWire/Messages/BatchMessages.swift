package import ErrandCore

/// A request that may stand in a batch (SPEC §9.14).
package protocol BatchableRequest: RequestMessage where Reply: Sendable {
    static var batchOpcode: Opcode { get }
    static func readReply(_ reader: inout MessageReader) throws(MessageFault) -> Reply
    static var replyRootByteCount: Int { get }
}

extension DescribeJobExecutionRequest: BatchableRequest {
    package static let batchOpcode = Opcode.batchDescribeJobExecution
    package static let replyRootByteCount = JobExecutionBody.rootByteCount
    package static func readReply(_ reader: inout MessageReader) throws(MessageFault) -> JobExecution {
        try JobExecution(from: &reader)
    }
}

extension UpdateJobExecutionRequest: BatchableRequest {
    package static let batchOpcode = Opcode.batchUpdateJobExecution
    package static let replyRootByteCount = JobExecutionChange.rootByteCount
    package static func readReply(_ reader: inout MessageReader) throws(MessageFault) -> JobExecutionChange {
        try JobExecutionChange(from: &reader)
    }
}

extension CancelJobExecutionRequest: BatchableRequest {
    package static let batchOpcode = Opcode.batchCancelJobExecution
    package static let replyRootByteCount = JobExecutionChange.rootByteCount
    package static func readReply(_ reader: inout MessageReader) throws(MessageFault) -> JobExecutionChange {
        try JobExecutionChange(from: &reader)
    }
}

/// What stands before a batch's records.
package enum BatchRequestRoot {
    package static let rootByteCount = 16

    package static func write(itemCount: Int, to writer: inout ByteWriter) {
        writer.appendRoot(rootByteCount) { root in root.store(UInt32(truncatingIfNeeded: itemCount), at: 8) }
    }
}

extension SegmentEncoder {
    /// Appends a batch call; false if it is larger than the peer takes.
    package mutating func appendBatch<Item: BatchableRequest>(
        _ items: ArraySlice<Item>, requestId: UInt64, timeoutMilliseconds: UInt32?
    ) -> Bool {
        beginFrame(
            Item.batchOpcode.rawValue, rootByteCount: BatchRequestRoot.rootByteCount, requestId: requestId)
        BatchRequestRoot.write(itemCount: items.count, to: &body)
        for item in items { body.appendRecord(item) }
        if let timeoutMilliseconds {
            let bodyStart = openFrameBodyStart
            CallTimeout.write(timeoutMilliseconds, into: &body, bodyStart: bodyStart)
        }
        return endFrame()
    }
}

/// The items of a batch request, each decoded or refused by itself (`BAT-1`).
package struct BatchItems<Item: BatchableRequest>: Sendable {
    package var items: [Result<Item, InvalidField>]

    package init(_ body: RawSpan, _ header: FrameHeader, itemCountMax: Int) throws(MessageFault) {
        var reader = try MessageReader(body, header, rootByteCount: BatchRequestRoot.rootByteCount)
        try reader.takePresence(known: 0b1)
        try reader.requireZero(12..<16)
        let count = Int(reader.root(8, as: UInt32.self))
        items = []
        // Also items past the limit are read, so that a malformed message is told from one that is only too long.
        for _ in 0..<count {
            let header = try reader.recordHeader()
            guard header.status == 0 else { throw .malformed("an item has status \(header.status)") }
            var record = try reader.takeRecordBody(header, rootByteCount: Item.rootByteCount)
            guard record.root(0, as: UInt32.self) & 1 == 0 else {
                throw .malformed("an item has a deadline of its own")
            }
            let item: Result<Item, InvalidField>
            do throws(MessageFault) {
                item = .success(try Item(from: &record))
            } catch {
                guard case .invalidField(let field) = error else { throw error }
                item = .failure(field)
            }
            if items.count < itemCountMax { items.append(item) }
        }
        if count < 1 || count > itemCountMax {
            reader.note(InvalidField("itemCount", "\(count) is outside 1 to \(itemCountMax)"))
        }
        try reader.finish()
    }
}

/// One item's reply, or why it was refused.
package enum BatchItemReply<Reply: Sendable>: Sendable {
    case reply(Reply)
    case failure(StatusCode, Failure)
}

package enum BatchReply {
    package static let rootByteCount = 8

    package static func write(itemCount: Int, to writer: inout ByteWriter) {
        writer.appendRoot(rootByteCount) { root in root.store(UInt32(truncatingIfNeeded: itemCount), at: 4) }
    }

    package static func read<Item: BatchableRequest>(
        _ body: RawSpan, _ header: FrameHeader, of type: Item.Type
    ) throws(MessageFault) -> [BatchItemReply<Item.Reply>] {
        var reader = try MessageReader(body, header, rootByteCount: rootByteCount)
        try reader.takePresence(known: 0)
        var replies: [BatchItemReply<Item.Reply>] = []
        for _ in 0..<reader.root(4, as: UInt32.self) {
            let header = try reader.recordHeader()
            if header.status == 0 {
                var record = try reader.takeRecordBody(header, rootByteCount: Item.replyRootByteCount)
                replies.append(.reply(try Item.readReply(&record)))
            } else {
                var record = try reader.takeRecordBody(header, rootByteCount: Failure.rootByteCount)
                let code = StatusCode(rawValue: header.status) ?? .unknown
                replies.append(.failure(code, try Failure(from: &record)))
            }
        }
        try reader.finish()
        return replies
    }
}
