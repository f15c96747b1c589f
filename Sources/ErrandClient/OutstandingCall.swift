internal import ErrandCore
internal import ErrandWire

/// What the channel has to know of a call besides its bytes.
struct CallNature {
    var opcode: Opcode
    var isMutation: Bool
    /// Sending it again changes nothing twice: a read, a change with an idempotency key, or one compared by content.
    var isSafeToRepeat: Bool
    /// Of a change with a key that insists on a version.
    var expectedVersion: Int64?

    /// SPEC §12 `idempotencyKeyCountMin`.
    static let rememberedKeyCount = 8
}

/// A call that somebody waits for: how to send it, and where its end goes.
///
/// Its mutable state belongs to the channel's lock; whoever takes it out of the channel's tables ends it, once.
class OutstandingCall: @unchecked Sendable {
    let nature: CallNature
    /// Steady milliseconds.
    let deadline: Int64
    /// 0 until it is sent on some connection.
    var requestId: UInt64 = 0
    var frameByteCount = 0
    /// The task was cancelled before the call was registered.
    var isCancelled = false
    var isRegistered = false
    /// Among `WaitingCalls`.
    var isWaiting = false
    /// A change that was sent on a connection that is gone: whatever ends it now, it may have been applied then.
    var mayHaveRun = false
    /// What a Watch call begins.
    var watch: ActiveWatch?

    init(_ nature: CallNature, deadline: Int64) {
        self.nature = nature
        self.deadline = deadline
    }

    var opcode: UInt8 { nature.opcode.rawValue }
    var isMutation: Bool { nature.isMutation }

    /// Of a call that ends without an answer.
    func applied(wasSent: Bool) -> Applied { mayHaveRun || (wasSent && isMutation) ? .unknown : .no }

    /// Appends the call's frame; false if it is larger than the server takes.
    func append(to encoder: inout SegmentEncoder, requestId: UInt64, timeoutMilliseconds: UInt32) -> Bool { false }

    /// Hashes of what its keys are remembered by, one for each change.
    var subjects: [Int] { [] }

    func succeed(_ header: FrameHeader, _ body: RawSpan) {}

    func fail(_ error: ErrandError) {}
}

/// A call with one request, or a batch of them, and its reply.
final class TypedCall<Reply: Sendable>: OutstandingCall, @unchecked Sendable {
    typealias Append = (_ encoder: inout SegmentEncoder, _ requestId: UInt64, _ timeoutMilliseconds: UInt32) -> Bool
    typealias Read = (_ header: FrameHeader, _ body: RawSpan) throws(MessageFault) -> Reply
    typealias Subjects = () -> [Int]

    private let appendFrame: Append
    private let read: Read
    private let findSubjects: Subjects?
    private let continuation: UnsafeContinuation<Result<Reply, ErrandError>, Never>

    init(
        _ nature: CallNature, deadline: Int64, continuation: UnsafeContinuation<Result<Reply, ErrandError>, Never>,
        append: @escaping Append, read: @escaping Read, subjects: Subjects?
    ) {
        self.continuation = continuation
        appendFrame = append
        self.read = read
        findSubjects = subjects
        super.init(nature, deadline: deadline)
    }

    override func append(to encoder: inout SegmentEncoder, requestId: UInt64, timeoutMilliseconds: UInt32) -> Bool {
        appendFrame(&encoder, requestId, timeoutMilliseconds)
    }

    override var subjects: [Int] { findSubjects?() ?? [] }

    override func succeed(_ header: FrameHeader, _ body: RawSpan) {
        do throws(MessageFault) {
            if header.status == 0 {
                continuation.resume(returning: .success(try read(header, body)))
            } else {
                let code = StatusCode(rawValue: header.status) ?? .unknown
                continuation.resume(returning: .failure(refusal(ErrandError(code, try Failure.read(body, header)))))
            }
        } catch {
            fail(
                ErrandError(
                    .unknown, "the server's reply to \(nature.opcode.description) is wrong: \(error)", applied: .unknown
                ))
        }
    }

    /// The server speaks of this sending only. Of an earlier one it knows where it looks for the key first.
    private func refusal(_ error: ErrandError) -> ErrandError {
        guard mayHaveRun, error.applied == .no, !isFinal(error) else { return error }
        var error = error
        error.applied = .unknown
        return error
    }

    /// Whether a refusal of a repeated call says of its first sending, too, that it changed nothing.
    private func isFinal(_ error: ErrandError) -> Bool {
        switch error.code {
        case .idempotencyConflict, .alreadyExists, .failedPrecondition: return true
        case .versionMismatch, .invalidStateTransition:
            // As many changes later the key is forgotten. A terminal execution takes no further changes.
            guard error.code == .versionMismatch, let state = error.executionState else { return true }
            let expected = nature.expectedVersion ?? state.versionNumber
            return state.versionNumber.subtractingReportingOverflow(expected).partialValue
                <= Int64(CallNature.rememberedKeyCount)
        default: return false
        }
    }

    override func fail(_ error: ErrandError) {
        continuation.resume(returning: .failure(error))
    }
}
