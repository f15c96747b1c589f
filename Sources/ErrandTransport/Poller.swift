internal import CEpoll
internal import Glibc

/// The kernel's readiness queue: epoll here; another system is another file with the same few methods.
struct Poller: ~Copyable {
    struct Interest: OptionSet, Sendable {
        let rawValue: UInt32
        static let read = Interest(rawValue: 1)
        static let write = Interest(rawValue: 2)
    }

    struct Event {
        var token: UInt64
        var isReadable: Bool
        var isWritable: Bool
    }

    let descriptor: Int32
    private var events: [epoll_event]

    init() throws(SystemError) {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw SystemError(call: "epoll_create1", code: errno) }
        events = Array(repeating: epoll_event(), count: 256)
    }

    deinit {
        SystemCall.close(descriptor)
    }

    func add(_ target: Int32, _ interest: Interest, token: UInt64) throws(SystemError) {
        try control(EPOLL_CTL_ADD, target, interest, token)
    }

    func change(_ target: Int32, _ interest: Interest, token: UInt64) throws(SystemError) {
        try control(EPOLL_CTL_MOD, target, interest, token)
    }

    func remove(_ target: Int32) {
        var event = epoll_event()
        _ = epoll_ctl(descriptor, EPOLL_CTL_DEL, target, &event)
    }

    private func control(
        _ operation: Int32, _ target: Int32, _ interest: Interest, _ token: UInt64
    ) throws(SystemError) {
        var event = epoll_event()
        if interest.contains(.read) { event.events |= EPOLLIN.rawValue | EPOLLRDHUP.rawValue }
        if interest.contains(.write) { event.events |= EPOLLOUT.rawValue }
        event.data.u64 = token
        guard epoll_ctl(descriptor, operation, target, &event) == 0 else {
            throw SystemError(call: "epoll_ctl", code: errno)
        }
    }

    /// Waits up to `milliseconds` for something to be ready; returns how many events there are.
    mutating func wait(milliseconds: Int32) -> Int {
        max(0, Int(epoll_wait(descriptor, &events, Int32(events.count), milliseconds)))
    }

    /// One of the events of the last `wait`.
    func event(_ index: Int) -> Event {
        let flags = events[index].events
        let failed = flags & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0
        return Event(
            token: events[index].data.u64,
            isReadable: failed || flags & (EPOLLIN.rawValue | EPOLLRDHUP.rawValue) != 0,
            isWritable: failed || flags & EPOLLOUT.rawValue != 0)
    }
}

/// Wakes a poller from another thread.
struct WakeUp: ~Copyable {
    let descriptor: Int32

    init() throws(SystemError) {
        descriptor = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
        guard descriptor >= 0 else { throw SystemError(call: "eventfd", code: errno) }
    }

    deinit {
        SystemCall.close(descriptor)
    }

    func signal() {
        _ = eventfd_write(descriptor, 1)
    }

    func clear() {
        var value: eventfd_t = 0
        _ = eventfd_read(descriptor, &value)
    }
}
