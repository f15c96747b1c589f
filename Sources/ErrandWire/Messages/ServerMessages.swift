package import ErrandCore

/// SPEC §9.1.
package struct HealthRequest: RequestMessage, Equatable {
    package typealias Reply = Health
    package static let opcode = Opcode.health
    package static let isMutation = false
    package static let rootByteCount = 8

    package init() {}

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendZeros(Self.rootByteCount)
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b1)
        try reader.finish()
    }
}

extension Health: Message, ReplyMessage {
    package static let rootByteCount = 8

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in root.store(rawValue, at: 0) }
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.requireZero(1..<8)
        let number = reader.root(0, as: UInt8.self)
        guard let health = Health(rawValue: number) else { throw .malformed("no health has number \(number)") }
        self = health
        try reader.finish()
    }
}

/// SPEC §9.2.
package struct ServerInfoRequest: RequestMessage, Equatable {
    package typealias Reply = ServerInfo
    package static let opcode = Opcode.serverInfo
    package static let isMutation = false
    package static let rootByteCount = 8

    package init() {}

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendZeros(Self.rootByteCount)
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0b1)
        try reader.finish()
    }
}

extension ServerInfo: Message, ReplyMessage {
    package static let rootByteCount = 72

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(minuteLengthMilliseconds, at: 4)
            root.store(bootId, at: 8)
            root.store(startedAtMilliseconds, at: 16)
            root.store(nowMilliseconds, at: 24)
            root.store(jobCount, at: 32)
            root.store(executionCount, at: 40)
            root.store(callCount, at: 48)
            root.store(connectionCount, at: 56)
        }
        writer.appendText16(serverName)
        writer.appendText16(serverVersion)
        writer.appendText16(thingArnPrefix)
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0)
        try reader.requireZero(64..<72)
        let serverName = try reader.string16("serverName")
        let serverVersion = try reader.string16("serverVersion")
        let thingArnPrefix = try reader.string16("thingArnPrefix")
        self.init(
            serverName: serverName, serverVersion: serverVersion, thingArnPrefix: thingArnPrefix,
            minuteLengthMilliseconds: reader.root(4, as: UInt32.self), bootId: reader.root(8, as: UInt64.self),
            startedAtMilliseconds: reader.root(16, as: Int64.self), nowMilliseconds: reader.root(24, as: Int64.self),
            jobCount: reader.root(32, as: UInt64.self), executionCount: reader.root(40, as: UInt64.self),
            callCount: reader.root(48, as: UInt64.self), connectionCount: reader.root(56, as: UInt64.self))
        try reader.finish()
    }
}
