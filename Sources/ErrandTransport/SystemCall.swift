internal import Glibc

/// Every system call of the project, in one place: errno is captured before anything else can run, EINTR is
/// retried, and would-block is a result, not an error.
package enum SystemCall {
    package enum IOResult: Sendable, Equatable {
        case done(Int)
        case wouldBlock
        case failed(SystemError)
    }

    private static func repeatInterrupted(_ name: StaticString, _ body: () -> Int) -> IOResult {
        while true {
            let result = body()
            if result >= 0 { return .done(result) }
            let code = errno
            switch code {
            case EINTR: continue
            case EAGAIN: return .wouldBlock
            default: return .failed(SystemError(call: name, code: code))
            }
        }
    }

    private static func orThrow(_ name: StaticString, _ body: () -> Int) throws(SystemError) -> Int {
        switch repeatInterrupted(name, body) {
        case .done(let value): return value
        case .wouldBlock: throw SystemError(call: name, code: EAGAIN)
        case .failed(let error): throw error
        }
    }

    package static func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> IOResult {
        repeatInterrupted("read") { Glibc.read(descriptor, buffer.baseAddress, buffer.count) }
    }

    /// Without SIGPIPE when the peer has gone.
    package static func send(_ descriptor: Int32, _ buffer: UnsafeRawBufferPointer) -> IOResult {
        repeatInterrupted("send") {
            Glibc.send(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL))
        }
    }

    package static func accept(_ descriptor: Int32) -> IOResult {
        repeatInterrupted("accept") { Int(Glibc.accept(descriptor, nil, nil)) }
    }

    package static func close(_ descriptor: Int32) {
        // Linux releases the descriptor even when close is interrupted, so it is never retried.
        _ = Glibc.close(descriptor)
    }

    /// Bytes that the kernel holds for the peer of a socket.
    package static func unsentByteCount(_ descriptor: Int32) -> Int {
        var count: Int32 = 0
        return ioctl(descriptor, UInt(TIOCOUTQ), &count) == 0 ? Int(count) : 0
    }

    package static func shutdownWriting(_ descriptor: Int32) {
        _ = Glibc.shutdown(descriptor, Int32(SHUT_WR))
    }

    package static func makeStreamSocket(family: Int32) throws(SystemError) -> Int32 {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        return Int32(try orThrow("socket") { Int(Glibc.socket(family, type, 0)) })
    }

    package static func setOption(
        _ descriptor: Int32, level: Int32, _ option: Int32, _ value: Int32
    ) throws(SystemError) {
        var value = value
        _ = try orThrow("setsockopt") {
            Int(setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size)))
        }
    }

    package static func setNonBlocking(_ descriptor: Int32) throws(SystemError) {
        let flags = Int32(try orThrow("fcntl") { Int(fcntl(descriptor, F_GETFL, 0)) })
        _ = try orThrow("fcntl") { Int(fcntl(descriptor, F_SETFL, flags | O_NONBLOCK)) }
        _ = try orThrow("fcntl") { Int(fcntl(descriptor, F_SETFD, FD_CLOEXEC)) }
    }

    package static func setNoDelay(_ descriptor: Int32) throws(SystemError) {
        try setOption(descriptor, level: Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    }

    package static func bind(_ descriptor: Int32, _ address: SocketAddress) throws(SystemError) {
        _ = try orThrow("bind") { address.withSockAddr { Int(Glibc.bind(descriptor, $0, $1)) } }
    }

    package static func listen(_ descriptor: Int32, backlog: Int32) throws(SystemError) {
        _ = try orThrow("listen") { Int(Glibc.listen(descriptor, backlog)) }
    }

    /// True when connected at once, false while the connection is being made.
    package static func connect(_ descriptor: Int32, _ address: SocketAddress) throws(SystemError) -> Bool {
        do throws(SystemError) {
            _ = try orThrow("connect") { address.withSockAddr { Int(Glibc.connect(descriptor, $0, $1)) } }
            return true
        } catch {
            if error.code == EINPROGRESS { return false }
            throw error
        }
    }

    /// What became of a connection that was being made.
    package static func pendingError(_ descriptor: Int32) -> SystemError? {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0 else {
            return SystemError(call: "getsockopt", code: errno)
        }
        return code == 0 ? nil : SystemError(call: "connect", code: code)
    }

    package static func localAddress(_ descriptor: Int32) throws(SystemError) -> SocketAddress {
        try SocketAddress(fromSystem: "getsockname") { getsockname(descriptor, $0, $1) }
    }

    package static func peerAddress(_ descriptor: Int32) throws(SystemError) -> SocketAddress {
        try SocketAddress(fromSystem: "getpeername") { getpeername(descriptor, $0, $1) }
    }

    package static var processorCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// Lets the process have as many descriptors as it may; returns how many.
    package static func raiseDescriptorLimit() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return Int(clamping: limit.rlim_cur)
    }

    /// Milliseconds that only rise, whatever happens to the wall clock.
    package static var steadyMilliseconds: Int64 { steadyNanoseconds / 1_000_000 }

    package static var steadyNanoseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Milliseconds since 1970-01-01 UTC.
    package static var wallMilliseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

/// A system call that failed: which, and errno.
package struct SystemError: Error, Sendable, CustomStringConvertible {
    package let call: StaticString
    package let code: Int32

    package var reason: String { String(cString: strerror(code)) }
    package var description: String { "\(call): \(reason)" }

    package var isOutOfDescriptors: Bool { code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM }
    package var isAddressInUse: Bool { code == EADDRINUSE }

    /// An event loop that has ended watches nothing.
    static let loopStopped = SystemError(call: "epoll_ctl", code: ECANCELED)
}

extension SystemError: Equatable {
    package static func == (left: Self, right: Self) -> Bool {
        left.code == right.code && left.call.description == right.call.description
    }
}
