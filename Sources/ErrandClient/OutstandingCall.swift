internal import ErrandCore
internal import ErrandWire
internal import Synchronization

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

/// A call that somebody waits for: how to send it, and how it ended. One object for each call, and all it needs is in it.
///
/// `@unchecked Sendable`: until it has ended its mutable state belongs to the channel's lock. Whoever takes it out of the
/// channel's tables ends it, once, and writes the outcome before the task that reads it is resumed.
class OutstandingCall: @unchecked Sendable {
    /// Appends the call's frame; false if it is larger than the server takes.
    ///
    /// The call comes as an argument, so that the closure captures nothing and takes no memory: it only says what is
    /// known of the request's type where the call is made, for which the compiler then specializes it.
    typealias Append = (
        _ call: OutstandingCall, _ encoder: inout SegmentEncoder, _ requestId: UInt64, _ timeoutMilliseconds: UInt32
    ) -> Bool
    /// Reads a reply with status 0 and keeps it in the call.
    typealias Read = (_ call: OutstandingCall, _ header: FrameHeader, _ body: RawSpan) throws(MessageFault) -> Void
    /// Hashes of what the keys of a call are remembered by, one for each change.
    typealias Subjects = (_ call: OutstandingCall) -> [Int]

    let nature: CallNature
    /// Steady milliseconds.
    let deadline: Int64
    private let appendFrame: Append
    private let read: Read
    private let findSubjects: Subjects?
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
    /// Of the server that replied.
    var thingArnPrefix = ""
    /// Why there is no reply. In a box: most calls have none, and it would make up a third of the object.
    private var failure: (any Error)?
    /// Written by the task alone, while nobody else looks: see `Wait`.
    private var continuation: UnsafeContinuation<Void, Never>?
    private let wait = Atomic(Wait.none)

    /// How the call's task waits. Whoever changes this from a state of waiting resumes the task, so it is resumed once.
    ///
    /// Nearly all calls are answered before anybody could want to cancel them, and to be told of a cancellation costs a task
    /// as much as to be suspended. So a call that was sent first waits briefly, without a cancellation handler; if it is
    /// still there when its loop comes to rest, its task is woken to wait patiently, with one.
    private enum Wait: UInt8, AtomicRepresentable {
        case none, briefly, patiently, ended
    }

    init(
        _ nature: CallNature, deadline: Int64, append: @escaping Append, read: @escaping Read, subjects: Subjects? = nil
    ) {
        self.nature = nature
        self.deadline = deadline
        appendFrame = append
        self.read = read
        findSubjects = subjects
    }

    var opcode: UInt8 { nature.opcode.rawValue }
    var isMutation: Bool { nature.isMutation }

    /// Of a call that ends without an answer.
    func applied(wasSent: Bool) -> Applied { mayHaveRun || (wasSent && isMutation) ? .unknown : .no }

    func append(to encoder: inout SegmentEncoder, requestId: UInt64, timeoutMilliseconds: UInt32) -> Bool {
        appendFrame(self, &encoder, requestId, timeoutMilliseconds)
    }

    var subjects: [Int] { findSubjects?(self) ?? [] }

    // MARK: Its end

    /// Begins to wait without a cancellation handler. To be called before the channel knows the call.
    func waitBriefly(_ continuation: UnsafeContinuation<Void, Never>) {
        self.continuation = continuation
        wait.store(.briefly, ordering: .releasing)
    }

    /// Ends the brief wait, if the call waits so; then its task has to be woken with `wake`, outside of the channel's lock.
    func endBriefWait() -> Bool {
        wait.compareExchange(expected: .briefly, desired: .none, ordering: .acquiringAndReleasing).exchanged
    }

    func wake() { continuation?.resume() }

    /// Waits for the end under a cancellation handler; false if the call has ended already.
    func waitPatiently(_ continuation: UnsafeContinuation<Void, Never>) -> Bool {
        self.continuation = continuation
        return wait.compareExchange(expected: .none, desired: .patiently, ordering: .acquiringAndReleasing).exchanged
    }

    var hasEnded: Bool { wait.load(ordering: .acquiring) == .ended }

    func succeed(_ header: FrameHeader, _ body: RawSpan) {
        do throws(MessageFault) {
            if header.status == 0 {
                try read(self, header, body)
            } else {
                let code = StatusCode(rawValue: header.status) ?? .unknown
                failure = refusal(ErrandError(code, try Failure.read(body, header)))
            }
        } catch {
            failure = ErrandError(
                .unknown, "the server's reply to \(nature.opcode.description) is wrong: \(error)", applied: .unknown)
        }
        end()
    }

    func fail(_ error: ErrandError) {
        failure = error
        end()
    }

    /// Of a call that has ended without a reply.
    fileprivate var error: ErrandError {
        failure as? ErrandError
            ?? ErrandError(.unknown, "the call to \(nature.opcode.description) ended without a reply")
    }

    private func end() {
        switch wait.exchange(.ended, ordering: .acquiringAndReleasing) {
        case .briefly, .patiently: wake()
        // Its task is between the two, and will see that the call has ended.
        case .none, .ended: break
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
}

/// A call and the reply that its task takes when it has been resumed.
class TypedCall<Reply: Sendable>: OutstandingCall, @unchecked Sendable {
    fileprivate(set) var reply: Reply?

    typealias ReadReply = (_ header: FrameHeader, _ body: RawSpan) throws(MessageFault) -> Reply

    /// A call whose closures hold what it sends.
    convenience init(
        _ nature: CallNature, deadline: Int64, append: @escaping Append, readReply: @escaping ReadReply,
        subjects: Subjects?
    ) {
        self.init(
            nature, deadline: deadline, append: append,
            read: { call, header, body throws(MessageFault) in
                // Unsafe where it is not checked: the call hands itself to its own closure.
                unsafeDowncast(call, to: TypedCall<Reply>.self).reply = try readReply(header, body)
            }, subjects: subjects)
    }

    /// Of a call that has ended; once.
    func takeReply() throws(ErrandError) -> Reply {
        if let reply = reply.take() { return reply }
        throw error
    }
}

/// A call with one request.
final class RequestCall<Request: RequestMessage>: TypedCall<Request.Reply>, @unchecked Sendable {
    let request: Request

    /// Inlined where the request's type is known, which is what makes the closures quick.
    @inline(__always)
    init(_ request: Request, _ nature: CallNature, deadline: Int64, subjects: Subjects? = nil) {
        self.request = request
        super.init(
            nature, deadline: deadline,
            append: { call, encoder, requestId, timeoutMilliseconds in
                // Unsafe where it is not checked: the call hands itself to its own closure.
                encoder.appendCall(
                    unsafeDowncast(call, to: RequestCall<Request>.self).request, requestId: requestId,
                    timeoutMilliseconds: timeoutMilliseconds)
            },
            read: { call, header, body throws(MessageFault) in
                // Unsafe where it is not checked: the call hands itself to its own closure.
                unsafeDowncast(call, to: RequestCall<Request>.self).reply = try Request.Reply.read(body, header)
            }, subjects: subjects)
    }
}
