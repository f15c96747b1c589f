package import ErrandCore

extension Job: Message, ReplyMessage {
    package static let rootByteCount = 144

    /// The order of the counts in SPEC §9.5: of things from offset 48, of attempts from offset 112.
    private static let countedStatuses: [JobExecutionStatus] = [
        .queued, .inProgress, .succeeded, .failed, .timedOut, .rejected, .removed, .canceled,
    ]

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(
                presence(0, when: completedAtMilliseconds != nil)
                    | presence(1, when: inProgressTimeoutInMinutes != nil) | presence(2, when: description != nil)
                    | ConfigurationBlock.presenceBits(configuration.rollout) | presence(5, when: reasonCode != nil)
                    | presence(6, when: comment != nil), at: 0)
            root.store(status.rawValue, at: 4)
            root.store(createdAtMilliseconds, at: 8)
            root.store(lastUpdatedAtMilliseconds, at: 16)
            root.store(completedAtMilliseconds, at: 24)
            root.store(inProgressTimeoutInMinutes, at: 32)
            root.store(targetCount, at: 40)
            root.store(notYetQueuedCount, at: 44)
            for (index, status) in Self.countedStatuses.enumerated() {
                root.store(processDetails[status], at: 48 + index * 4)
                root.store(attemptDetails[status], at: 112 + index * 4)
            }
            root.store(forceCanceled, at: 80)
            ConfigurationBlock.write(
                retryCriteria: configuration.retryCriteria, rollout: configuration.rollout, into: &root, at: 88)
        }
        writer.appendName(jobId)
        writer.appendText16(description ?? "")
        writer.appendText16(reasonCode ?? "")
        writer.appendText16(comment ?? "")
        writer.appendAborts(configuration.abortCriteria)
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b111_1111)
        try reader.requireZero(5..<8)
        try reader.requireZero(81..<88)
        let status = try reader.jobStatus(4)
        let forceCanceled = try reader.bool(80, "forceCanceled")
        var things = JobProcessDetails()
        var attempts = JobProcessDetails()
        for (index, status) in Self.countedStatuses.enumerated() {
            things[status] = reader.root(48 + index * 4, as: UInt32.self)
            attempts[status] = reader.root(112 + index * 4, as: UInt32.self)
        }
        var configuration = JobConfiguration(
            inProgressTimeoutInMinutes: reader.optional(32, bit: 1, as: Int64.self),
            retryCriteria: try reader.retryCriteria(at: 88), rollout: try reader.rollout(at: 88))
        let jobId = try reader.receivedJobId()
        let description = try reader.optionalString16("description", bit: 2)
        let reasonCode = try reader.optionalString16("reasonCode", bit: 5)
        let comment = try reader.optionalString16("comment", bit: 6)
        configuration.abortCriteria = try reader.abortCriteria()
        self.init(
            jobId: jobId, description: description, status: status,
            createdAtMilliseconds: reader.root(8, as: Int64.self),
            lastUpdatedAtMilliseconds: reader.root(16, as: Int64.self),
            completedAtMilliseconds: reader.optional(24, bit: 0, as: Int64.self), configuration: configuration,
            reasonCode: reasonCode, comment: comment, forceCanceled: forceCanceled,
            targetCount: reader.root(40, as: UInt32.self), notYetQueuedCount: reader.root(44, as: UInt32.self),
            processDetails: things, attemptDetails: attempts)
        try reader.finish()
    }
}

extension MessageReader {
    func jobStatus(_ offset: Int) throws(MessageFault) -> JobStatus {
        let number = root(offset, as: UInt8.self)
        guard let status = JobStatus(rawValue: number) else { throw .malformed("no job status has number \(number)") }
        return status
    }
}
