import ErrandClient
import ErrandCore
import ErrandServer
import ErrandTestSupport
import ErrandWire
import Foundation
import Synchronization
import Testing

/// SPEC §6 `CALL-10` from the client's side: whatever happens to connections, a change is made once.
@Suite(.ownThreads, .timeLimit(.minutes(60)))
struct ExactlyOnceTests {
    /// `ERRAND_TEST_CUTS=100000` runs the whole of issue 3's number, which is what the suite's time limit is for.
    private static let cutCount = ProcessInfo.processInfo.environment["ERRAND_TEST_CUTS"].flatMap(Int.init) ?? 1000

    /// Devices report through a proxy that cuts connections before, inside and after requests and replies. Every call is
    /// answered, and every answer is the next version: a change that was lost or made twice would show in the numbers.
    @Test func changesThroughRandomCutsAreMadeOnce() async throws {
        let server = try startServer()
        let direct = try await connect(server.port)
        let deviceCount = 8
        let proxies = try (0..<deviceCount).map { _ in try CuttingProxy(to: server.port, cuttingPercentage: 20) }
        let share = Self.cutCount / deviceCount + 1
        try await withThrowingTaskGroup(of: Int64.self) { group in
            for (index, proxy) in proxies.enumerated() {
                group.addTask { try await Self.changeUntilCut(share, proxy, "t\(index)", direct) }
            }
            for try await _ in group {}
        }
        #expect(proxies.reduce(0) { $0 + $1.cutCount } >= Self.cutCount)
        for place in CuttingProxy.Place.allCases { #expect(proxies.reduce(0) { $0 + $1.cutCount(place) } > 0) }
        direct.close()
        await server.stop()
    }

    /// One device; returns the last version.
    private static func changeUntilCut(
        _ cutCount: Int, _ proxy: CuttingProxy, _ name: String, _ direct: JobExecutionClient
    ) async throws -> Int64 {
        let client = try await connect(proxy.port) {
            $0.callTimeout = .seconds(60)
            $0.reconnectDelay = .milliseconds(1)
            $0.reconnectDelayMax = .milliseconds(2)
        }
        let jobId = "job-\(name)"
        try await client.createJob(jobId: jobId, document: "{}", targets: [name])
        var version: Int64 = 1
        var round = 0
        while proxy.cutCount < cutCount {
            round += 1
            if round % 4 == 0 {
                let item = UpdateJobExecutionRequest(
                    jobId: try JobId(jobId), thingName: try ThingName(name), status: .inProgress)
                for result in try await client.updateJobExecutions([item, item, item]) {
                    version += 1
                    #expect(try result.get().versionNumber == version)
                }
            } else {
                version += 1
                let expected = round % 4 == 1 ? version - 1 : nil
                let change = try await client.updateJobExecution(
                    jobId: jobId, thingName: name, status: .inProgress, statusDetails: ["round": String(round)],
                    expectedVersion: expected)
                #expect(change.versionNumber == version)
            }
        }
        proxy.heal()
        let execution = try await direct.describeJobExecution(jobId: jobId, thingName: name)
        #expect(execution.versionNumber == version)
        client.close()
        return version
    }

    /// Every kind of change with a key, made on one connection and twice again on another, with others between.
    @Test func theSameKeyOnAnotherConnectionChangesNothingTwice() async throws {
        let server = try startServer()
        let first = try await connect(server.port)
        let (jobId, thing) = (try JobId("j"), try ThingName("t"))
        try await first.createJob(jobId: "j", document: "{}", targets: ["t", "u", "v"])
        let start = StartNextPendingJobExecutionRequest(thingName: thing, idempotencyKey: .random())
        let update = UpdateJobExecutionRequest(
            jobId: jobId, thingName: thing, status: .inProgress, expectedVersion: 2, idempotencyKey: .random())
        let item = UpdateJobExecutionRequest(
            jobId: jobId, thingName: thing, status: .inProgress, idempotencyKey: .random())
        let cancel = CancelJobExecutionRequest(
            jobId: jobId, thingName: thing, force: true, expectedVersion: 4, idempotencyKey: .random())
        let begun = try await first.startNextPendingJobExecution(start)
        let updated = try await first.updateJobExecution(update)
        let batched = try await first.updateJobExecutions([item])
        let canceled = try await first.cancelJobExecution(cancel)
        #expect(canceled.versionNumber == 5)
        first.close()
        let second = try await connect(server.port)
        for _ in 0..<2 {
            #expect(try await second.startNextPendingJobExecution(start)?.executionNumber == begun?.executionNumber)
            #expect(try await second.updateJobExecution(update) == updated)
            #expect(try await second.updateJobExecutions([item]) == batched)
            #expect(try await second.cancelJobExecution(cancel) == canceled)
        }
        let history = try await second.getJobExecutionHistory(jobId: "j", thingName: "t")
        #expect(history.entries.map(\.versionNumber) == [1, 2, 3, 4, 5])
        second.close()
        await server.stop()
    }

    /// Changes of whole jobs, too; also where the second time would be refused, or would change more.
    @Test func theSameKeyChangesAJobOnce() async throws {
        let server = try startServer()
        let client = try await connect(server.port)
        let jobId = try JobId("j")
        try await client.createJob(jobId: "j", document: "{}", targets: ["t", "u", "v"])
        let change = UpdateJobRequest(jobId: jobId, description: "first", idempotencyKey: .random())
        let removal = RemoveJobTargetsRequest(
            jobId: jobId, targets: [try ThingName("u")], idempotencyKey: .random())
        let deletion = DeleteJobExecutionRequest(
            jobId: jobId, thingName: try ThingName("v"), executionNumber: 1, idempotencyKey: .random())
        let cancel = CancelJobRequest(jobId: jobId, reasonCode: "X", idempotencyKey: .random())
        let end = DeleteJobRequest(jobId: jobId, idempotencyKey: .random())
        try await client.updateJob(change)
        try await client.updateJob(jobId: "j", description: "second")
        try await client.updateJob(change)
        #expect(try await client.describeJob(jobId: "j").description == "second")
        for _ in 0..<2 { #expect(try await client.removeJobTargets(removal) == 1) }
        for _ in 0..<2 { try await client.deleteJobExecution(deletion) }
        for _ in 0..<2 { #expect(try await client.cancelJob(cancel).reasonCode == "X") }
        try await client.deleteJob(end)
        try await client.createJob(jobId: "j", document: "[]", targets: ["t"])
        try await client.deleteJob(end)
        #expect(try await client.getJobDocument(jobId: "j") == "[]")
        client.close()
        await server.stop()
    }

    @Test func aKeyBelongsToOneRequestButARefusedOneIsForgotten() async throws {
        let server = try startServer()
        let client = try await connect(server.port)
        try await client.createJob(jobId: "j", document: "{}", targets: ["t"])
        let request = UpdateJobExecutionRequest(
            jobId: try JobId("j"), thingName: try ThingName("t"), status: .inProgress, expectedVersion: 1,
            idempotencyKey: .random())
        var stale = request
        stale.expectedVersion = 9
        let refused = await failure { () throws(ErrandError) in try await client.updateJobExecution(stale) }
        #expect(refused?.code == .versionMismatch)
        let change = try await client.updateJobExecution(request)
        #expect(try await client.updateJobExecution(request, timeout: .seconds(3)) == change)
        var other = request
        other.statusDetails = try StatusDetails([(key: "k", value: "v")])
        let cancel = CancelJobExecutionRequest(
            jobId: request.jobId, thingName: request.thingName, idempotencyKey: request.idempotencyKey)
        for conflict in [
            await failure({ () throws(ErrandError) in try await client.updateJobExecution(other) }),
            await failure({ () throws(ErrandError) in try await client.cancelJobExecution(cancel) }),
        ] { #expect(conflict?.code == .idempotencyConflict && conflict?.applied == .no) }
        client.close()
        await server.stop()
    }

    @Test func eightKeysOfAnExecutionAreRemembered() async throws {
        let server = try startServer()
        let client = try await connect(server.port)
        try await client.createJob(jobId: "j", document: "{}", targets: ["t"])
        let requests = try (0..<8).map { _ in
            UpdateJobExecutionRequest(
                jobId: try JobId("j"), thingName: try ThingName("t"), status: .inProgress, idempotencyKey: .random())
        }
        var changes: [JobExecutionChange] = []
        for request in requests { changes.append(try await client.updateJobExecution(request)) }
        for (request, change) in zip(requests, changes) {
            #expect(try await client.updateJobExecution(request) == change)
        }
        client.close()
        await server.stop()
    }

    /// Each call gets a key of its own, and its repeat on the next connection the same one.
    @Test func aRepeatCarriesTheKeyOfTheFirstSending() async throws {
        let seen = Mutex<[IdempotencyKey?]>([])
        let connections = Counter()
        let listener = try fakeServer { peer in
            let isFirst = connections.add() == 1
            while true {
                let call = try peer.next()
                let request = try UpdateJobExecutionRequest(call.body.span.bytes, call.header)
                seen.withLock { $0.append(request.idempotencyKey) }
                if isFirst { return peer.reset() }
                answerUpdate(call, peer)
            }
        }
        let client = try await connect(listener.port)
        for _ in 0..<2 { _ = try await client.updateJobExecution(jobId: "j", thingName: "t", status: .inProgress) }
        let keys = seen.withLock { $0 }
        #expect(keys.count == 3 && keys.allSatisfy { $0 != nil })
        #expect(keys[0] == keys[1] && keys[1] != keys[2])
        client.close()
    }

    /// The server remembers eight keys of an execution: of twelve changes in flight the first four cannot be repeated.
    @Test func changesWhoseKeysMayBeForgottenAreNotRepeated() async throws {
        let connections = Counter()
        let repeated = Counter()
        let listener = try fakeServer { peer in
            let isFirst = connections.add() == 1
            var count = 0
            while true {
                let call = try peer.next()
                count += 1
                if isFirst, count == 12 { return peer.reset() }
                guard !isFirst else { continue }
                repeated.add()
                answerUpdate(call, peer)
            }
        }
        let client = try await connect(listener.port)
        let errors = await withTaskGroup(of: ErrandError?.self) { group in
            for _ in 0..<12 {
                group.addTask {
                    await failure { () throws(ErrandError) in
                        try await client.updateJobExecution(jobId: "j", thingName: "t", status: .inProgress)
                    }
                }
            }
            return await group.reduce(into: [ErrandError]()) { if let error = $1 { $0.append(error) } }
        }
        #expect(errors.count == 4 && errors.allSatisfy { $0.code == .unavailable && $0.applied == .unknown })
        #expect(repeated.value == 8)
        client.close()
    }

    /// What becomes of a change that was sent, on a server that never comes back, is not known when its time is up.
    @Test func aChangeIsUnknownOnlyWhenItsTimeIsUp() async throws {
        let listener = try fakeServer { peer in
            _ = try peer.next()
            peer.reset()
        }
        let client = try await connect(listener.port) { $0.reconnectDelayMax = .milliseconds(100) }
        let start = ContinuousClock.now
        let error = await failure { () throws(ErrandError) in
            try await client.cancelJob(jobId: "j", timeout: .milliseconds(600))
        }
        #expect(error?.applied == .unknown)
        #expect(ContinuousClock.now - start >= .milliseconds(590))
        client.close()
    }

    /// A refusal of the repeat that the server gives before it looks for the key says nothing of the first sending.
    @Test(arguments: [
        (StatusCode.unavailable, Applied.unknown), (.notFound, .unknown), (.permissionDenied, .unknown),
        (.invalidStateTransition, .no), (.versionMismatch, .no), (.idempotencyConflict, .no),
    ])
    func aRefusedRepeatSaysWhatItKnows(code: StatusCode, applied: Applied) async throws {
        let connections = Counter()
        let listener = try fakeServer { peer in
            let isFirst = connections.add() == 1
            while true {
                let call = try peer.next()
                if isFirst { return peer.reset() }
                peer.encoder.beginFrame(
                    call.header.opcode, flags: .reply, status: code, rootByteCount: Failure.rootByteCount,
                    requestId: call.header.requestId)
                Failure(applied: .no, message: "no").writeBody(to: &peer.encoder.body)
                _ = peer.encoder.endFrame()
                peer.flush()
            }
        }
        let client = try await connect(listener.port)
        let error = await failure { () throws(ErrandError) in
            try await client.updateJobExecution(jobId: "j", thingName: "t", status: .failed, expectedVersion: 1)
        }
        #expect(error?.code == code && error?.applied == applied)
        client.close()
    }
}
