import ErrandCore
import ErrandServer
import ErrandTestSupport
import ErrandWire
import Testing

@Suite(.ownThreads, .timeLimit(.minutes(1)))
struct ReplyTests {
    private func details(_ count: Int, _ characters: Int) throws -> StatusDetails {
        try StatusDetails((0..<count).map { (key: "key-\($0)", value: String(repeating: "é", count: characters)) })
    }

    /// A reply that does not fit what the client takes says so, and says that the change stands.
    @Test func aReplyTooLargeForTheClientIsRefusedButItsEffectStands() async throws {
        let server = try TestServer()
        let peer = try server.client { $0.segmentByteCountMax = UInt32(WireLimits.segmentByteCountMaxFloor) }
        let wide = try server.client()
        let document = "\"" + String(repeating: "x", count: 32_000) + "\""
        try peer.createJob("large", ["a"], document: document)
        // 10 values of 1,024 scalars of 4 bytes: with the document more than 64 KiB.
        let large = try StatusDetails((0..<10).map { (key: "key-\($0)", value: String(repeating: "😀", count: 1024)) })
        let start = try peer.call(StartNextPendingJobExecutionRequest(thingName: thing("a"), statusDetails: large))
        #expect(start.status == .resourceExhausted)
        #expect(try start.failure().applied == .yes)
        let describe = try peer.call(DescribeOwnJobExecutionRequest(jobId: nil, thingName: thing("a")))
        #expect(describe.status == .resourceExhausted)
        #expect(try describe.failure().applied == .no)
        let seen = try wide.call(DescribeOwnJobExecutionRequest(jobId: nil, thingName: thing("a")))
        #expect(seen.status == .ok)
        let execution = try seen.message(JobExecution.self)
        #expect(execution.status == .inProgress && execution.versionNumber == 2)
        #expect(try peer.call(HealthRequest()).status == .ok)
        await server.stop()
    }

    @Test func aBatchAnswersEachItemInOrder() async throws {
        let server = try TestServer()
        let peer = try server.client()
        try peer.createJob("batch", (0..<200).map { "t\($0)" })
        let items = (0..<256).map { index in
            UpdateJobExecutionRequest(
                jobId: job("batch"), thingName: thing("t\(index)"), status: .inProgress,
                expectedVersion: index % 10 == 3 ? 7 : 1, executionNumber: index % 10 == 4 ? 0 : nil)
        }
        _ = peer.encoder.appendBatch(items[...], requestId: peer.nextRequestId(), timeoutMilliseconds: nil)
        peer.flush()
        let frame = try peer.next()
        #expect(frame.status == .ok)
        let replies = try BatchReply.read(frame.body.span.bytes, frame.header, of: UpdateJobExecutionRequest.self)
        #expect(replies.count == 256)
        for (index, reply) in replies.enumerated() {
            switch reply {
            case .reply(let change):
                #expect(index < 200 && index % 10 != 3 && index % 10 != 4)
                #expect(change.versionNumber == 2)
            case .failure(let code, let failure):
                let expected: StatusCode =
                    index % 10 == 4 ? .invalidRequest : index >= 200 ? .notFound : .versionMismatch
                #expect(code == expected, "\(index)")
                #expect(failure.applied == .no)
                #expect((failure.executionState != nil) == (code == .versionMismatch))
            }
        }
        await server.stop()
    }

    @Test func aBatchWithAMalformedItemFailsWhole() async throws {
        let server = try TestServer()
        let peer = try server.client()
        try peer.createJob("whole", ["a"])
        let item = UpdateJobExecutionRequest(jobId: job("whole"), thingName: thing("a"), status: .inProgress)
        peer.encoder.beginFrame(
            Opcode.batchUpdateJobExecution.rawValue, rootByteCount: BatchRequestRoot.rootByteCount,
            requestId: peer.nextRequestId())
        BatchRequestRoot.write(itemCount: 2, to: &peer.encoder.body)
        peer.encoder.body.appendRecord(item)
        peer.encoder.body.append([1, 2, 3])
        _ = peer.encoder.endFrame()
        peer.flush()
        #expect(try peer.next().status == .invalidRequest)
        let seen = try peer.call(DescribeJobExecutionRequest(jobId: job("whole"), thingName: thing("a")))
        #expect(try seen.message(JobExecution.self).versionNumber == 1)
        await server.stop()
    }

    /// The items that no longer fit are told to come alone (BAT-3).
    @Test func aBatchReplyIsCutAtTheClientsLimit() async throws {
        let server = try TestServer()
        let peer = try server.client { $0.segmentByteCountMax = UInt32(WireLimits.segmentByteCountMaxFloor) }
        let things = (0..<100).map { "t\($0)" }
        try peer.createJob("cut", things)
        for name in things {
            let update = try peer.call(
                UpdateJobExecutionRequest(
                    jobId: job("cut"), thingName: thing(name), status: .inProgress, statusDetails: details(1, 900)))
            #expect(update.status == .ok)
        }
        let items = things.map { DescribeJobExecutionRequest(jobId: job("cut"), thingName: thing($0)) }
        _ = peer.encoder.appendBatch(items[...], requestId: peer.nextRequestId(), timeoutMilliseconds: nil)
        peer.flush()
        let frame = try peer.next()
        let replies = try BatchReply.read(frame.body.span.bytes, frame.header, of: DescribeJobExecutionRequest.self)
        #expect(replies.count == 100)
        var whole = 0
        var cut = 0
        for (name, reply) in zip(things, replies) {
            switch reply {
            case .reply(let execution):
                #expect(execution.thingName == name)
                whole += 1
            case .failure(let code, let failure):
                #expect(code == .resourceExhausted && failure.applied == .no)
                cut += 1
            }
        }
        #expect(whole > 20 && cut > 20)
        await server.stop()
    }
}
