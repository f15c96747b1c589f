package import ErrandCore

/// The body of a reply whose status is not 0 (SPEC §8.3).
package struct Failure: Message, ReplyMessage, Equatable {
    package var applied: Applied
    package var message: String
    package var retryAfterMilliseconds: UInt32?
    package var executionState: JobExecutionState?

    package init(
        applied: Applied, message: String, retryAfterMilliseconds: UInt32? = nil,
        executionState: JobExecutionState? = nil
    ) {
        self.applied = applied
        self.message = message
        self.retryAfterMilliseconds = retryAfterMilliseconds
        self.executionState = executionState
    }

    package init(_ refusal: Refusal) {
        self.init(
            applied: refusal.code.applied, message: refusal.message,
            retryAfterMilliseconds: refusal.retryAfterMilliseconds, executionState: refusal.executionState)
    }

    package static let rootByteCount = 32

    package func writeBody(to writer: inout ByteWriter) {
        let details = executionState?.statusDetails
        let hasDetails = details.map { !$0.isEmpty } ?? false
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(
                presence(0, when: retryAfterMilliseconds != nil) | presence(1, when: executionState != nil)
                    | presence(2, when: hasDetails), at: 0)
            root.store(applied.rawValue, at: 4)
            root.store(executionState?.status.rawValue, at: 5)
            root.store(retryAfterMilliseconds, at: 8)
            root.store(executionState?.versionNumber, at: 16)
            root.store(executionState?.executionNumber, at: 24)
        }
        writer.appendMessage(message)
        writer.appendDetails(details)
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b111)
        let appliedNumber = reader.root(4, as: UInt8.self)
        guard let applied = Applied(rawValue: appliedNumber) else {
            throw .malformed("applied is \(appliedNumber), allowed are 0 to 2")
        }
        self.applied = applied
        try reader.requireZero(6..<8)
        try reader.requireZero(12..<16)
        retryAfterMilliseconds = reader.optional(8, bit: 0, as: UInt32.self)
        let hasState = reader.isPresent(1)
        guard hasState || !reader.isPresent(2) else { throw .malformed("statusDetails without an execution state") }
        let status = hasState ? try reader.executionStatus(5) : .queued
        let versionNumber = reader.root(16, as: Int64.self)
        let executionNumber = reader.root(24, as: Int64.self)
        message = try reader.message()
        let details = try reader.optionalDetails(bit: 2, isReceived: true)
        executionState =
            hasState
            ? JobExecutionState(
                status: status, versionNumber: versionNumber, executionNumber: executionNumber,
                statusDetails: details ?? StatusDetails())
            : nil
        try reader.finish()
    }
}
