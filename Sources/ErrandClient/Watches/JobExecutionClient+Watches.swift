public import ErrandCore
internal import ErrandTransport
internal import ErrandWire

extension JobExecutionClient {
    /// Watches changes: everything, a job, a thing or an execution (SPEC §9.23). The watch has begun when this returns, so
    /// what you read afterwards, together with its events, misses nothing.
    ///
    /// - Parameter fromRevision: go on behind this revision of an event seen before; without it, from now on.
    /// - Throws: `ErrandError`: WATCH_COMPACTED if the server cannot go on from there without a gap (watch from now, then
    ///   read), LIMIT_EXCEEDED if the connection has too many watches, INVALID_REQUEST for the scope `queue`, for which there
    ///   is `watchQueue`.
    public func watch(
        _ scope: WatchScope, fromRevision: UInt64? = nil, timeout: Duration? = nil
    ) async throws(ErrandError) -> JobExecutionEvents {
        if case .queue = scope {
            throw ErrandError(.invalidRequest, "a queue has notifications, not events; use watchQueue", applied: .no)
        }
        let session = WatchSession(self, scope, fromRevision: fromRevision)
        try await session.begin(timeout: timeout)
        return JobExecutionEvents(session)
    }

    /// Watches the pending list of a thing (SPEC §9.23). Begins with what is pending now.
    ///
    /// - Throws: `ErrandError`: INVALID_REQUEST if the name is none, LIMIT_EXCEEDED if the connection has too many watches.
    public func watchQueue(
        thingName: String, timeout: Duration? = nil
    ) async throws(ErrandError) -> JobExecutionNotifications {
        let session = WatchSession(self, .queue(try Self.thing(thingName)), fromRevision: nil)
        try await session.begin(timeout: timeout)
        return JobExecutionNotifications(session)
    }

    func begin(
        _ request: WatchRequest, _ watch: ActiveWatch, timeout: Duration?
    ) async throws(ErrandError) -> (WatchBegun, requestId: UInt64, Channel) {
        let channel = channel(for: request.scope)
        let (begun, requestId) = try await perform(
            CallNature(opcode: .watch, isMutation: false, isSafeToRepeat: true), on: channel, timeout: timeout,
            watch: watch,
            append: { _, encoder, requestId, timeoutMilliseconds in
                encoder.appendCall(request, requestId: requestId, timeoutMilliseconds: timeoutMilliseconds)
            },
            read: { header, body throws(MessageFault) in (try WatchBegun.read(body, header), header.requestId) },
            subjects: nil)
        return (begun, requestId, channel)
    }
}
