internal import ErrandCore
internal import ErrandWire

/// A call that somebody waits for: how to send it, and where its end goes.
///
/// Its mutable state belongs to the channel's lock; whoever takes it out of the channel's tables ends it, once.
class OutstandingCall: @unchecked Sendable {
    let isMutation: Bool
    let opcode: UInt8
    /// Steady milliseconds.
    let deadline: Int64
    /// 0 until it is sent on some connection.
    var requestId: UInt64 = 0
    var frameByteCount = 0
    /// The task was cancelled before the call was registered.
    var isCancelled = false
    var isRegistered = false

    init(isMutation: Bool, opcode: UInt8, deadline: Int64) {
        self.isMutation = isMutation
        self.opcode = opcode
        self.deadline = deadline
    }

    /// Appends the call's frame; false if it is larger than the server takes.
    func append(to encoder: inout SegmentEncoder, requestId: UInt64, timeoutMilliseconds: UInt32) -> Bool { false }

    func succeed(_ header: FrameHeader, _ body: RawSpan, thingArnPrefix: String) {}

    func fail(_ error: ErrandError) {}
}

/// A call with one request, or a batch of them, and its reply.
final class TypedCall<Reply: Sendable>: OutstandingCall, @unchecked Sendable {
    typealias Append = (_ encoder: inout SegmentEncoder, _ requestId: UInt64, _ timeoutMilliseconds: UInt32) -> Bool
    typealias Read = (_ header: FrameHeader, _ body: RawSpan, _ thingArnPrefix: String) throws(MessageFault) -> Reply

    private let appendFrame: Append
    private let read: Read
    private let continuation: UnsafeContinuation<Result<Reply, ErrandError>, Never>

    init(
        isMutation: Bool, opcode: UInt8, deadline: Int64,
        continuation: UnsafeContinuation<Result<Reply, ErrandError>, Never>, append: @escaping Append,
        read: @escaping Read
    ) {
        self.continuation = continuation
        appendFrame = append
        self.read = read
        super.init(isMutation: isMutation, opcode: opcode, deadline: deadline)
    }

    override func append(to encoder: inout SegmentEncoder, requestId: UInt64, timeoutMilliseconds: UInt32) -> Bool {
        appendFrame(&encoder, requestId, timeoutMilliseconds)
    }

    override func succeed(_ header: FrameHeader, _ body: RawSpan, thingArnPrefix: String) {
        do throws(MessageFault) {
            if header.status == 0 {
                continuation.resume(returning: .success(try read(header, body, thingArnPrefix)))
            } else {
                let code = StatusCode(rawValue: header.status) ?? .unknown
                continuation.resume(returning: .failure(ErrandError(code, try Failure.read(body, header))))
            }
        } catch {
            fail(
                ErrandError(
                    .unknown,
                    "the server's reply to \(Opcode(rawValue: opcode)?.description ?? "?") is wrong: \(error)",
                    applied: .unknown))
        }
    }

    override func fail(_ error: ErrandError) {
        continuation.resume(returning: .failure(error))
    }
}
