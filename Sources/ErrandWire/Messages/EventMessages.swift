package import ErrandCore

/// SPEC §8.9.
extension JobExecutionEvent: Message {
    package static let rootByteCount = 56

    private enum Kind: UInt8 {
        case execution = 1
        case executionDeleted = 2
        case job = 3
        case jobDeleted = 4
    }

    private static let from: UInt32 = 1 << 0
    private static let to: UInt32 = 1 << 1
    private static let executionNumber: UInt32 = 1 << 2
    private static let versionNumber: UInt32 = 1 << 3
    private static let thingName: UInt32 = 1 << 4
    private static let details: UInt32 = 1 << 5

    package func writeBody(to writer: inout ByteWriter) {
        switch subject {
        case .execution(let state):
            writer.appendRoot(Self.rootByteCount) { root in
                root.store(
                    Self.to | Self.executionNumber | Self.versionNumber | Self.thingName
                        | presence(0, when: state.from != nil) | presence(5, when: !state.statusDetails.isEmpty), at: 0)
                storeCommon(.execution, in: &root)
                root.store(state.from?.rawValue, at: 6)
                root.store(state.to.rawValue, at: 7)
                root.store(state.executionNumber, at: 24)
                root.store(state.versionNumber, at: 32)
                root.store(state.retryAttempt, at: 40)
                root.store(state.forceCanceled, at: 42)
            }
            writer.appendName(jobId)
            writer.appendName(state.thingName)
            writer.appendDetails(state.statusDetails)
        case .executionDeleted(let thingName, let executionNumber, let versionNumber, let retryAttempt, let from):
            writer.appendRoot(Self.rootByteCount) { root in
                root.store(Self.from | Self.executionNumber | Self.versionNumber | Self.thingName, at: 0)
                storeCommon(.executionDeleted, in: &root)
                root.store(from.rawValue, at: 6)
                root.store(executionNumber, at: 24)
                root.store(versionNumber, at: 32)
                root.store(retryAttempt, at: 40)
            }
            writer.appendName(jobId)
            writer.appendName(thingName)
            writer.appendDetails(nil)
        case .job(let from, let to): writeJob(.job, from: from, to: to, to: &writer)
        case .jobDeleted(let from): writeJob(.jobDeleted, from: from, to: nil, to: &writer)
        }
    }

    private func writeJob(_ kind: Kind, from: JobStatus?, to: JobStatus?, to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(presence(0, when: from != nil) | presence(1, when: to != nil), at: 0)
            storeCommon(kind, in: &root)
            root.store(from?.rawValue, at: 6)
            root.store(to?.rawValue, at: 7)
        }
        writer.appendName(jobId)
        writer.appendName(ThingName())
        writer.appendDetails(nil)
    }

    private func storeCommon(_ kind: Kind, in root: inout RootBlock) {
        root.store(kind.rawValue, at: 4)
        root.store(actor.rawValue, at: 5)
        root.store(revision, at: 8)
        root.store(atMilliseconds, at: 16)
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b11_1111)
        try reader.requireZero(43..<56)
        guard let kind = Kind(rawValue: reader.root(4, as: UInt8.self)) else { throw .malformed("an unknown kind") }
        guard let actor = Actor(rawValue: reader.root(5, as: UInt8.self)) else { throw .malformed("an unknown actor") }
        let forceCanceled = try reader.bool(42, "forceCanceled")
        let jobId = try reader.receivedJobId()
        let present = reader.presence & 0b11_1111
        let subject: Subject
        switch kind {
        case .execution, .executionDeleted:
            subject = try Self.execution(kind, present, forceCanceled, &reader)
        case .job, .jobDeleted:
            subject = try Self.job(kind, present, &reader)
        }
        self.init(
            revision: reader.root(8, as: UInt64.self), atMilliseconds: reader.root(16, as: Int64.self), actor: actor,
            jobId: jobId, subject: subject)
        try reader.finish()
    }

    private static func execution(
        _ kind: Kind, _ present: UInt32, _ forceCanceled: Bool, _ reader: inout MessageReader
    ) throws(MessageFault) -> Subject {
        let always = executionNumber | versionNumber | thingName
        let needed = always | (kind == .execution ? to : from)
        let allowed = needed | (kind == .execution ? from | details : 0)
        guard present & needed == needed, present & ~allowed == 0 else { throw .malformed("not a kind's fields") }
        let name = try reader.receivedThingName()
        let statusDetails = try reader.optionalDetails(bit: 5, isReceived: true)
        let executionNumber = reader.root(24, as: Int64.self)
        let versionNumber = reader.root(32, as: Int64.self)
        let retryAttempt = reader.root(40, as: UInt16.self)
        let from = present & Self.from == 0 ? nil : try reader.executionStatus(6)
        guard kind == .execution else {
            guard let from else { throw .malformed("not a kind's fields") }
            return .executionDeleted(
                thingName: name, executionNumber: executionNumber, versionNumber: versionNumber,
                retryAttempt: retryAttempt, from: from)
        }
        return .execution(
            JobExecutionEventState(
                thingName: name, executionNumber: executionNumber, versionNumber: versionNumber,
                retryAttempt: retryAttempt, from: from, to: try reader.executionStatus(7),
                forceCanceled: forceCanceled, statusDetails: statusDetails ?? StatusDetails()))
    }

    private static func job(
        _ kind: Kind, _ present: UInt32, _ reader: inout MessageReader
    ) throws(MessageFault) -> Subject {
        let needed = kind == .job ? to : from
        guard present & needed == needed, present & ~(kind == .job ? from | to : from) == 0 else {
            throw .malformed("not a kind's fields")
        }
        let name = try reader.text16()
        guard name.isEmpty else { throw .malformed("thingName has bytes but its presence bit is not set") }
        _ = try reader.optionalDetails(bit: 5, isReceived: true)
        let from = present & Self.from == 0 ? nil : try reader.jobStatus(6)
        guard kind == .job else {
            guard let from else { throw .malformed("not a kind's fields") }
            return .jobDeleted(from: from)
        }
        return .job(from: from, to: try reader.jobStatus(7))
    }
}
