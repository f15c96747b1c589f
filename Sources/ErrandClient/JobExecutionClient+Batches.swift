public import ErrandCore
internal import ErrandWire

extension JobExecutionClient {
    /// Describes many executions in few calls; the results stand in the order of the requests (SPEC §9.14).
    ///
    /// - Throws: `ErrandError` if a whole call failed; what single items met is in their results. A read; safe to repeat.
    public func describeJobExecutions(
        _ requests: [DescribeJobExecutionRequest], timeout: Duration? = nil
    ) async throws(ErrandError) -> [Result<JobExecution, ErrandError>] {
        var results = try await batch(requests, isSafeToRepeat: true, timeout: timeout)
        // The server cuts a reply that would grow too long: those are asked for again (SPEC §9.14 BAT-3).
        var cut = results.indices.filter { Self.isCut(results[$0]) }
        while !cut.isEmpty {
            let again = try await batch(cut.map { requests[$0] }, isSafeToRepeat: true, timeout: timeout)
            for (index, result) in zip(cut, again) { results[index] = result }
            let left = cut.filter { Self.isCut(results[$0]) }
            if left.count == cut.count { break }
            cut = left
        }
        return results.map { $0.map(withArn) }
    }

    private static func isCut(_ result: Result<JobExecution, ErrandError>) -> Bool {
        if case .failure(let error) = result { return error.code == .resourceExhausted && error.applied == .no }
        return false
    }

    /// Applies many reports in few calls, in order, each by itself (SPEC §9.14).
    ///
    /// Every item has an idempotency key of its own: a batch that was under way when the connection was lost is sent again.
    /// - Throws: `ErrandError` if a whole call failed: then its items may or may not have run as `applied` says, earlier
    ///   calls have run, and later ones have not.
    public func updateJobExecutions(
        _ requests: [UpdateJobExecutionRequest], timeout: Duration? = nil
    ) async throws(ErrandError) -> [Result<JobExecutionChange, ErrandError>] {
        try await changes(requests, timeout: timeout)
    }

    /// Cancels many executions in few calls, in order, each by itself (SPEC §9.14). Throws as `updateJobExecutions`.
    public func cancelJobExecutions(
        _ requests: [CancelJobExecutionRequest], timeout: Duration? = nil
    ) async throws(ErrandError) -> [Result<JobExecutionChange, ErrandError>] {
        try await changes(requests, timeout: timeout)
    }

    private func changes<Item: BatchableRequest & KeyedRequest>(
        _ requests: [Item], timeout: Duration?
    ) async throws(ErrandError) -> [Result<Item.Reply, ErrandError>] {
        let keyed = requests.map { $0.keyed(configuration) }
        return try await batch(
            keyed, isSafeToRepeat: keyed.allSatisfy { $0.idempotencyKey != nil }, timeout: timeout
        ) { items in items.map(\.subject) }
    }

    private func batch<Item: BatchableRequest>(
        _ requests: [Item], isSafeToRepeat: Bool, timeout: Duration?,
        subjects: ((ArraySlice<Item>) -> [Int])? = nil
    ) async throws(ErrandError) -> [Result<Item.Reply, ErrandError>] {
        var results: [Result<Item.Reply, ErrandError>] = []
        results.reserveCapacity(requests.count)
        var start = 0
        while start < requests.count {
            let end = Self.endOfBatch(requests, from: start, itemCountMax: batchItemCountMax)
            let items = requests[start..<end]
            let replies = try await perform(
                CallNature(
                    opcode: Item.batchOpcode, isMutation: Item.isMutation, isSafeToRepeat: isSafeToRepeat),
                timeout: timeout,
                append: { _, encoder, requestId, timeoutMilliseconds in
                    encoder.appendBatch(items, requestId: requestId, timeoutMilliseconds: timeoutMilliseconds)
                },
                read: { header, body throws(MessageFault) in try BatchReply.read(body, header, of: Item.self) },
                subjects: subjects.map { find in { _ in find(items) } })
            guard replies.count == items.count else {
                throw ErrandError(.protocolError, "the server answered \(replies.count) of \(items.count) items")
            }
            for reply in replies {
                switch reply {
                case .reply(let value): results.append(.success(value))
                case .failure(let code, let failure): results.append(.failure(ErrandError(code, failure)))
                }
            }
            start = end
        }
        return results
    }

    /// As many items as the server takes in one call, by count and by bytes.
    private static func endOfBatch<Item: BatchableRequest>(
        _ requests: [Item], from start: Int, itemCountMax: Int
    ) -> Int {
        var writer = ByteWriter()
        var end = start
        while end < requests.count, end - start < itemCountMax {
            writer.appendRecord(requests[end])
            if end > start, writer.bytes.count > WireLimits.segmentByteCountTarget - 1024 { break }
            end += 1
        }
        return end
    }
}
