import ErrandTestSupport
import ErrandWire
import Glibc
import Synchronization

@testable import ErrandTransport

/// Keeps what a connection tells its handler; sends what it is given.
final class Recorder: ConnectionHandler, Sendable {
    struct Facts: Sendable {
        var received: [UInt8] = []
        var inputHasEnded = false
        var ends: [ConnectionEnd] = []
        var toSend: [UInt8] = []
        var waitingByteCountMax = 0
    }

    private let facts = Mutex(Facts())

    var received: [UInt8] { facts.withLock { $0.received } }
    var inputHasEnded: Bool { facts.withLock { $0.inputHasEnded } }
    var end: ConnectionEnd? { facts.withLock { $0.ends.first } }
    var endCount: Int { facts.withLock { $0.ends.count } }
    var waitingByteCountMax: Int { facts.withLock { $0.waitingByteCountMax } }

    func queue(_ bytes: [UInt8]) { facts.withLock { $0.toSend += bytes } }

    func received(_ bytes: RawSpan, codec: inout SegmentCodec) {
        let copy = bytes.withUnsafeBytes { Array($0) }
        facts.withLock { $0.received += copy }
    }

    func inputEnded() { facts.withLock { $0.inputHasEnded = true } }

    func seal(into output: inout [UInt8], codec: inout SegmentCodec) {
        let bytes = facts.withLock { facts in
            defer { facts.toSend = [] }
            return facts.toSend
        }
        output += bytes
    }

    func wrote(waitingByteCount: Int, progressed: Bool) {
        facts.withLock { $0.waitingByteCountMax = max($0.waitingByteCountMax, waitingByteCount) }
    }

    func tick(at nowMilliseconds: Int64) {}

    func ended(_ cause: ConnectionEnd) { facts.withLock { $0.ends.append(cause) } }
}

extension EventLoop {
    /// Runs `body` on the loop and waits for it.
    func run<Failure: Error>(_ body: @escaping @Sendable () throws(Failure) -> Void) async throws(Failure) {
        let result = await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<Void, Failure>, Never>) in
            post { continuation.resume(returning: Result { () throws(Failure) in try body() }) }
        }
        try result.get()
    }
}

/// Two connected sockets; the first does not block, and its owner closes it.
func socketPair() throws -> (Int32, RawPeer) {
    var pair: [Int32] = [0, 0]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0 else {
        throw SystemError(call: "socketpair", code: errno)
    }
    try SystemCall.setNonBlocking(pair[0])
    return (pair[0], RawPeer(descriptor: pair[1]))
}

func write(_ bytes: [UInt8], to descriptor: Int32) -> Int {
    bytes.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
}

/// What comes from a blocking descriptor; empty at its end.
func readSome(_ descriptor: Int32, byteCountMax: Int = 65_536) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: byteCountMax)
    let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
    return Array(buffer[..<max(0, count)])
}
