/// Which of a connection's time limits has passed (SPEC §3 `CON-7` to `CON-9`). Milliseconds of any steady clock.
package struct ConnectionClock: Sendable {
    private let openedAt: Int64
    private var heardAt: Int64
    private var segmentBegunAt: Int64?
    private var stalledSince: Int64?
    private var pingedAt: Int64?

    private let idleTimeoutMilliseconds: Int64
    private let pingTimeoutMilliseconds: Int64

    package init(
        at nowMilliseconds: Int64, idleTimeoutMilliseconds: Int64 = WireLimits.idleTimeoutMilliseconds,
        pingTimeoutMilliseconds: Int64 = WireLimits.pingTimeoutMilliseconds
    ) {
        self.idleTimeoutMilliseconds = idleTimeoutMilliseconds
        self.pingTimeoutMilliseconds = pingTimeoutMilliseconds
        openedAt = nowMilliseconds
        heardAt = nowMilliseconds
    }

    package enum Verdict: Sendable, Equatable {
        case fine
        case ping
        case failed(ConnectionFault)
    }

    /// Bytes have come; `isInsideSegment` says whether the last of them left a segment unfinished.
    package mutating func heard(at now: Int64, isInsideSegment: Bool, completedSegment: Bool) {
        heardAt = now
        pingedAt = nil
        if !isInsideSegment {
            segmentBegunAt = nil
        } else if segmentBegunAt == nil || completedSegment {
            // The clock of a segment runs from its first byte and no later byte sets it back.
            segmentBegunAt = now
        }
    }

    /// We did not read for a while, so the peer's silence until now says nothing.
    package mutating func listensAgain(at now: Int64, isInsideSegment: Bool) {
        heardAt = now
        pingedAt = nil
        segmentBegunAt = isInsideSegment ? now : nil
    }

    /// The peer has taken bytes (`hasRest` left), or bytes began to wait.
    package mutating func wrote(at now: Int64, progressed: Bool, hasRest: Bool) {
        if !hasRest {
            stalledSince = nil
        } else if progressed || stalledSince == nil {
            stalledSince = now
        }
    }

    package mutating func check(at now: Int64, isGreeted: Bool) -> Verdict {
        if !isGreeted, now - openedAt >= WireLimits.handshakeTimeoutMilliseconds { return .failed(.handshakeTimeout) }
        if let segmentBegunAt, now - segmentBegunAt >= WireLimits.segmentTimeoutMilliseconds {
            return .failed(.segmentTimeout)
        }
        if let stalledSince, now - stalledSince >= WireLimits.writeStallTimeoutMilliseconds {
            return .failed(.slowReader)
        }
        if let pingedAt {
            return now - pingedAt >= pingTimeoutMilliseconds ? .failed(.idleTimeout) : .fine
        }
        guard isGreeted, now - heardAt >= idleTimeoutMilliseconds else { return .fine }
        pingedAt = now
        return .ping
    }
}
