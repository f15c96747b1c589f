internal import ErrandTransport

/// The time that executions live in: milliseconds since 1970 that never step, because only the start is
/// read from the wall clock and the rest from a steady one.
package struct ServerClock: Sendable {
    package let nowMilliseconds: @Sendable () -> Int64

    package init(_ nowMilliseconds: @escaping @Sendable () -> Int64) {
        self.nowMilliseconds = nowMilliseconds
    }

    package static func system() -> ServerClock {
        let offset = SystemCall.wallMilliseconds - SystemCall.steadyMilliseconds
        return ServerClock { SystemCall.steadyMilliseconds + offset }
    }
}
