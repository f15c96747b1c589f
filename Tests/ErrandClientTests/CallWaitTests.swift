import Dispatch
import ErrandCore
import ErrandServer
import ErrandTestSupport
import ErrandWire
import Testing

@testable import ErrandClient

/// A call's task waits briefly without a cancellation handler, and then, if nothing has come, patiently with one.
@Suite(.ownThreads, .timeLimit(.minutes(1)))
struct CallWaitTests {
    private static let cancelled = ErrandError(.cancelled, "cancelled by the test")

    private static func call() -> OutstandingCall {
        OutstandingCall(
            CallNature(opcode: .health, isMutation: false, isSafeToRepeat: true), deadline: 100,
            append: { _, _, _, _ in false }, read: { _, _, _ in })
    }

    @Test func anEndBetweenTheTwoWaitsIsSeenAndResumesNobodyTwice() async {
        let call = Self.call()
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            call.waitBriefly(continuation)
            let isMine = call.endBriefWait()
            let isMineAgain = call.endBriefWait()
            #expect(isMine && !isMineAgain && !call.hasEnded)
            call.fail(Self.cancelled)
            call.wake()
        }
        #expect(call.hasEnded)
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            let waits = call.waitPatiently(continuation)
            #expect(!waits)
            continuation.resume()
        }
    }

    /// Ends from another thread at every moment of both waits: a lost one would hang, a doubled one would trap.
    @Test func anEndMayRaceWithTheEndOfTheBriefWait() async {
        for _ in 0..<3000 {
            let call = Self.call()
            await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                call.waitBriefly(continuation)
                DispatchQueue.global().async { call.fail(Self.cancelled) }
                if call.endBriefWait() { call.wake() }
            }
            if !call.hasEnded {
                await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                    if !call.waitPatiently(continuation) { continuation.resume() }
                }
            }
            #expect(call.hasEnded)
        }
    }

    /// In flight, waiting for room, and on the client's own executor: wherever a call is, cancelling its task ends it.
    @Test(arguments: [true, false])
    func cancellingEndsCallsWhereverTheyAre(onItsExecutor: Bool) async throws {
        var narrow = Welcome()
        narrow.callsInFlightMax = 4
        let calls = Counter()
        let listener = try fakeServer(narrow) { peer in
            while true { if try peer.next().header.opcode >= Opcode.firstCall { calls.add() } }
        }
        let client = try await connect(listener.port)
        let task = Task(executorPreference: onItsExecutor ? client.executor : nil) {
            await withTaskGroup(of: ErrandError?.self) { group in
                for _ in 0..<50 {
                    group.addTask { await failure { () throws(ErrandError) in try await client.health() } }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
        }
        #expect(await eventually { calls.value == 4 })
        task.cancel()
        let errors = await task.value
        #expect(errors.count == 50 && errors.allSatisfy { $0?.code == .cancelled })
        client.close()
    }

    @Test func cancellingEndsACallThatWaitsForAConnection() async throws {
        let server = try startServer()
        let client = try await connect(server.port)
        await server.stop()
        let task = Task {
            await failure { () throws(ErrandError) in
                try await client.updateJobExecution(jobId: "j", thingName: "t", status: .inProgress)
            }
        }
        // Whenever it comes, before, between or in the two waits.
        await Task.yield()
        task.cancel()
        let error = await task.value
        #expect(error?.code == .cancelled && error?.applied == .no)
        client.close()
    }

    /// The server answers all at once, in the opposite order.
    @Test func manyRepliesInOneReadEachFindTheirCall() async throws {
        let listener = try fakeServer { peer in
            while true {
                var frames: [RawFrame] = []
                while frames.count < 200 {
                    let frame = try peer.next()
                    if frame.opcode == .updateJobExecution { frames.append(frame) }
                }
                for frame in frames.reversed() {
                    let request = try UpdateJobExecutionRequest(frame.body.span.bytes, frame.header)
                    let change = JobExecutionChange(
                        status: .inProgress, versionNumber: (request.expectedVersion ?? 0) + 1, executionNumber: 1,
                        lastUpdatedAtMilliseconds: 0)
                    peer.encoder.beginFrame(
                        frame.header.opcode, flags: .reply, rootByteCount: JobExecutionChange.rootByteCount,
                        requestId: frame.header.requestId)
                    change.writeBody(to: &peer.encoder.body)
                    _ = peer.encoder.endFrame()
                }
                peer.flush()
            }
        }
        let client = try await connect(listener.port)
        for turn in 0..<5 {
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        let expected = Int64(turn * 1000 + number)
                        let change = try await client.updateJobExecution(
                            jobId: "j", thingName: "t", status: .inProgress, expectedVersion: expected)
                        return change.versionNumber == expected + 1
                    }
                }
                for try await isRight in group { #expect(isRight) }
            }
        }
        client.close()
    }
}
