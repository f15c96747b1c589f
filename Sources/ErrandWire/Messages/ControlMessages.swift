/// SPEC §7.1.
package struct Hello: Message, Equatable {
    package var versionMin: UInt16 = WireLimits.version
    package var versionMax: UInt16 = WireLimits.version
    package var features: UInt64 = 0
    package var segmentByteCountMax: UInt32 = UInt32(WireLimits.segmentByteCountMax)
    package var compressions: UInt8 = 0
    package var checksums: UInt8 = 0
    package var credentialKind: UInt8 = 0
    package var clientName = ""
    package var clientVersion = ""
    package var credential: [UInt8] = []

    package init() {}

    package static let rootByteCount = 40

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(versionMin, at: 4)
            root.store(versionMax, at: 6)
            root.store(features, at: 8)
            root.store(segmentByteCountMax, at: 16)
            root.store(compressions, at: 20)
            root.store(checksums, at: 21)
            root.store(credentialKind, at: 22)
        }
        writer.appendText16(clientName)
        writer.appendText16(clientVersion)
        writer.appendBytes16(credential)
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0)
        versionMin = reader.root(4, as: UInt16.self)
        versionMax = reader.root(6, as: UInt16.self)
        features = reader.root(8, as: UInt64.self)
        segmentByteCountMax = reader.root(16, as: UInt32.self)
        compressions = reader.root(20, as: UInt8.self)
        checksums = try reader.bool(21, "checksums") ? 1 : 0
        credentialKind = reader.root(22, as: UInt8.self)
        try reader.requireZero(23..<40)
        clientName = try reader.string16("clientName", byteCountMax: WireLimits.clientNameByteCountMax)
        clientVersion = try reader.string16("clientVersion", byteCountMax: WireLimits.clientNameByteCountMax)
        let credential = try reader.text16()
        self.credential = credential.withUnsafeBytes { Array($0) }
        if self.credential.count > WireLimits.credentialByteCountMax {
            throw .malformed("credential has \(self.credential.count) bytes")
        }
        if credentialKind == 0 && !self.credential.isEmpty { throw .malformed("a credential without a kind") }
        try reader.finish()
    }
}

/// SPEC §7.2.
package struct Welcome: Message, Equatable {
    package var version: UInt16 = WireLimits.version
    package var compression: UInt8 = 0
    package var checksums: UInt8 = 0
    package var features: UInt64 = 0
    package var segmentByteCountMax = UInt32(WireLimits.segmentByteCountMax)
    package var callsInFlightMax = UInt32(WireLimits.callsInFlightMax)
    package var bytesInFlightMax = UInt32(WireLimits.bytesInFlightMax)
    package var batchItemCountMax = UInt32(WireLimits.batchItemCountMax)
    package var pingIntervalMilliseconds = UInt32(WireLimits.pingIntervalMilliseconds)
    package var idleTimeoutMilliseconds = UInt32(WireLimits.idleTimeoutMilliseconds)
    package var bootId: UInt64 = 0
    package var nowMilliseconds: Int64 = 0
    package var serverName = ""
    package var serverVersion = ""
    package var thingArnPrefix = ""

    package init() {}

    package static let rootByteCount = 64

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(version, at: 4)
            root.store(compression, at: 6)
            root.store(checksums, at: 7)
            root.store(features, at: 8)
            root.store(segmentByteCountMax, at: 16)
            root.store(callsInFlightMax, at: 20)
            root.store(bytesInFlightMax, at: 24)
            root.store(batchItemCountMax, at: 28)
            root.store(pingIntervalMilliseconds, at: 32)
            root.store(idleTimeoutMilliseconds, at: 36)
            root.store(bootId, at: 40)
            root.store(nowMilliseconds, at: 48)
        }
        writer.appendText16(serverName)
        writer.appendText16(serverVersion)
        writer.appendText16(thingArnPrefix)
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.takePresence(known: 0)
        version = reader.root(4, as: UInt16.self)
        compression = reader.root(6, as: UInt8.self)
        guard compression <= 1 else { throw .malformed("no compression has number \(compression)") }
        checksums = try reader.bool(7, "checksums") ? 1 : 0
        features = reader.root(8, as: UInt64.self)
        segmentByteCountMax = reader.root(16, as: UInt32.self)
        callsInFlightMax = reader.root(20, as: UInt32.self)
        bytesInFlightMax = reader.root(24, as: UInt32.self)
        batchItemCountMax = reader.root(28, as: UInt32.self)
        pingIntervalMilliseconds = reader.root(32, as: UInt32.self)
        idleTimeoutMilliseconds = reader.root(36, as: UInt32.self)
        bootId = reader.root(40, as: UInt64.self)
        nowMilliseconds = reader.root(48, as: Int64.self)
        try reader.requireZero(56..<64)
        serverName = try reader.string16("serverName")
        serverVersion = try reader.string16("serverVersion")
        thingArnPrefix = try reader.string16("thingArnPrefix")
        try reader.finish()
    }
}

/// SPEC §7.3; the status is in the frame's header.
package struct ConnectionErrorMessage: Message, Equatable {
    package var reason: UInt16
    package var message: String

    package init(reason: UInt16, message: String) {
        self.reason = reason
        self.message = message
    }

    package static let rootByteCount = 8

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in root.store(reason, at: 0) }
        writer.appendMessage(message)
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        reason = reader.root(0, as: UInt16.self)
        try reader.requireZero(2..<8)
        message = try reader.message()
        try reader.finish()
    }
}

/// PING and PONG, SPEC §7.4.
package struct Ping: Message, Equatable {
    package var opaque: UInt64

    package init(opaque: UInt64) {
        self.opaque = opaque
    }

    package static let rootByteCount = 8

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in root.store(opaque, at: 0) }
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        opaque = reader.root(0, as: UInt64.self)
        try reader.finish()
    }
}

/// SPEC §7.6; the frame's header names the call.
package struct CancelCall: Message, Equatable {
    package init() {}

    package static let rootByteCount = 0

    package func writeBody(to writer: inout ByteWriter) {}

    package init(from reader: inout MessageReader) throws(MessageFault) {
        try reader.finish()
    }
}

/// SPEC §7.5; the status is in the frame's header.
package struct GoAway: Message, Equatable {
    package var lastRequestId: UInt64
    package var graceMilliseconds: UInt32
    package var retryAfterMilliseconds: UInt32
    package var message: String

    package init(
        lastRequestId: UInt64, graceMilliseconds: UInt32, retryAfterMilliseconds: UInt32, message: String
    ) {
        self.lastRequestId = lastRequestId
        self.graceMilliseconds = graceMilliseconds
        self.retryAfterMilliseconds = retryAfterMilliseconds
        self.message = message
    }

    package static let rootByteCount = 24

    package func writeBody(to writer: inout ByteWriter) {
        writer.appendRoot(Self.rootByteCount) { root in
            root.store(lastRequestId, at: 0)
            root.store(graceMilliseconds, at: 8)
            root.store(retryAfterMilliseconds, at: 12)
        }
        writer.appendMessage(message)
    }

    package init(from reader: inout MessageReader) throws(MessageFault) {
        lastRequestId = reader.root(0, as: UInt64.self)
        graceMilliseconds = reader.root(8, as: UInt32.self)
        retryAfterMilliseconds = reader.root(12, as: UInt32.self)
        try reader.requireZero(16..<24)
        message = try reader.message()
        try reader.finish()
    }
}
