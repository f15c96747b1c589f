import GRPCCore

/// What the request of a describe holds.
struct DescribeRequest: Sendable {
    let jobId: String
    let thingName: String
}

/// A job execution of the same content as Errand's describe reply: every field, three details of real size.
struct JobExecution: Sendable, Equatable {
    struct Detail: Sendable, Equatable {
        let key: String
        let value: String
    }

    let jobId: String
    let thingName: String
    let status: UInt64
    let queuedAtMilliseconds: UInt64
    let startedAtMilliseconds: UInt64
    let lastUpdatedAtMilliseconds: UInt64
    let versionNumber: UInt64
    let executionNumber: UInt64
    let details: [Detail]

    static func sample(jobId: String, thingName: String) -> JobExecution {
        JobExecution(
            jobId: jobId, thingName: thingName, status: 2, queuedAtMilliseconds: 1_790_000_000_000,
            startedAtMilliseconds: 1_790_000_000_500, lastUpdatedAtMilliseconds: 1_790_000_001_000, versionNumber: 3,
            executionNumber: 1,
            details: [
                Detail(key: "progress", value: "42/100"),
                Detail(key: "step", value: "download: block 0042 of 0100"),
                Detail(key: "firmware", value: "press-controller 7.4.1-rc2+build.5521"),
            ])
    }
}

/// Serializers written by hand, in protobuf's wire format and without its runtime, so that no plugin has to run. They do
/// less work than generated code would: it is in the peer's favour.
struct RequestCoder: MessageSerializer, MessageDeserializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: DescribeRequest) throws -> Bytes {
        var writer = FieldWriter()
        writer.text(1, message.jobId)
        writer.text(2, message.thingName)
        return Bytes(writer.bytes)
    }

    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> DescribeRequest {
        try bytes.withUnsafeBytes { buffer in
            var reader = FieldReader(buffer)
            var jobId = "", thingName = ""
            while let field = try reader.next() {
                switch field {
                case .bytes(1, let value): jobId = String(decoding: value, as: UTF8.self)
                case .bytes(2, let value): thingName = String(decoding: value, as: UTF8.self)
                default: break
                }
            }
            return DescribeRequest(jobId: jobId, thingName: thingName)
        }
    }
}

struct ExecutionCoder: MessageSerializer, MessageDeserializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: JobExecution) throws -> Bytes {
        var writer = FieldWriter()
        writer.text(1, message.jobId)
        writer.text(2, message.thingName)
        writer.number(3, message.status)
        writer.number(4, message.queuedAtMilliseconds)
        writer.number(5, message.startedAtMilliseconds)
        writer.number(6, message.lastUpdatedAtMilliseconds)
        writer.number(7, message.versionNumber)
        writer.number(8, message.executionNumber)
        for detail in message.details {
            var entry = FieldWriter()
            entry.text(1, detail.key)
            entry.text(2, detail.value)
            writer.message(9, entry)
        }
        return Bytes(writer.bytes)
    }

    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> JobExecution {
        try bytes.withUnsafeBytes { buffer in
            var reader = FieldReader(buffer)
            var texts = ["", ""], numbers = [UInt64](repeating: 0, count: 6), details: [JobExecution.Detail] = []
            while let field = try reader.next() {
                switch field {
                case .bytes(1, let value): texts[0] = String(decoding: value, as: UTF8.self)
                case .bytes(2, let value): texts[1] = String(decoding: value, as: UTF8.self)
                case .bytes(9, let value): details.append(try Self.detail(value))
                case .number(let number, let value) where (3...8).contains(number): numbers[number - 3] = value
                default: break
                }
            }
            return JobExecution(
                jobId: texts[0], thingName: texts[1], status: numbers[0], queuedAtMilliseconds: numbers[1],
                startedAtMilliseconds: numbers[2], lastUpdatedAtMilliseconds: numbers[3], versionNumber: numbers[4],
                executionNumber: numbers[5], details: details)
        }
    }

    private static func detail(_ bytes: UnsafeRawBufferPointer) throws -> JobExecution.Detail {
        var reader = FieldReader(bytes)
        var key = "", value = ""
        while let field = try reader.next() {
            switch field {
            case .bytes(1, let bytes): key = String(decoding: bytes, as: UTF8.self)
            case .bytes(2, let bytes): value = String(decoding: bytes, as: UTF8.self)
            default: break
            }
        }
        return JobExecution.Detail(key: key, value: value)
    }
}
