import ErrandCore
import ErrandServer
import ErrandTestSupport
import ErrandWire
import Testing

@testable import ErrandTransport

@Suite(.serialized, .ownThreads, .timeLimit(.minutes(2)))
struct CrowdTests {
    /// A thousand clients at once, two hundred of them killed inside a frame: the others see no error.
    @Test func clientsKilledInMidFrameDisturbNobody() async throws {
        #expect(SystemCall.raiseDescriptorLimit() > 2500)
        let server = try TestServer()
        var peers: [RawPeer] = []
        for _ in 0..<1000 { peers.append(try server.client()) }
        #expect(server.server.connectionCount == 1000)
        var half: [UInt8] = []
        peers[0].append(HealthRequest())
        peers[0].encoder.seal(into: &half, with: Deflater())
        half.removeLast(5)
        for (index, peer) in peers.enumerated() {
            if index % 5 == 0 {
                peer.send(half)
                if index % 2 == 0 { peer.reset() } else { peer.close() }
            } else {
                for _ in 0..<5 { peer.append(HealthRequest()) }
                peer.flush()
            }
        }
        for (index, peer) in peers.enumerated() where index % 5 != 0 {
            for _ in 0..<5 { #expect(try peer.next().status == .ok) }
        }
        #expect(await eventually { server.server.connectionCount == 800 })
        for (index, peer) in peers.enumerated() where index % 5 != 0 { peer.close() }
        #expect(await eventually { ProcessFacts.openSocketCount(port: server.port) == 1 })
        try server.expectServing()
        await server.stop()
        #expect(await eventually { ProcessFacts.openSocketCount(port: server.port) == 0 })
    }

    /// Clients that ask and never read. What waits for them is bounded for each, whether they ask for large lists,
    /// which pause the decoder, or for small things, which do not. That sending blocks is the proof; the memory of the
    /// process, in which other tests run at the same time, is looked at with room for them.
    @Test(arguments: [true, false])
    func clientsThatNeverReadDoNotGrowTheServer(asksForLists: Bool) async throws {
        let server = try TestServer()
        let owner = try server.client()
        let things = (0..<250).map { "thing-\($0)-" + String(repeating: "n", count: 110) }
        try owner.createJob("lists", things, document: "\"" + String(repeating: "x", count: 2000) + "\"")
        let before = ProcessFacts.residentByteCount
        let askers = (0..<4).map { _ in
            Task(executorPreference: ThreadExecutor.shared) { () -> Int in
                let lazy = try RawPeer(port: server.port, bufferByteCount: 65_536)
                try lazy.greet()
                lazy.setTimeout(milliseconds: 500)
                var isBlocked = false
                // The kernel's buffers take some megabytes of calls; the answers to all would be gigabytes.
                for _ in 0..<4000 where !isBlocked {
                    for _ in 0..<500 {
                        if asksForLists {
                            lazy.append(ListJobExecutionsForJobRequest(jobId: job("lists")))
                        } else {
                            lazy.append(DescribeOwnJobExecutionRequest(jobId: nil, thingName: thing(things[0])))
                        }
                    }
                    isBlocked = !lazy.flush()
                }
                // Kept open until it has been judged.
                let grown = ProcessFacts.residentByteCount - before
                try server.expectServing()
                return isBlocked ? grown : Int.max
            }
        }
        for asker in askers {
            let grown = try await asker.value
            #expect(grown < 400_000_000)
        }
        for _ in 0..<100 { #expect(try owner.call(HealthRequest()).status == .ok) }
        try server.expectServing()
        await server.stop()
    }

    /// One small segment may ask for a thousand replies of 42 KB each: what is written ahead of a client that does not
    /// read is bounded by bytes, not by calls. Twenty such clients would otherwise take 800 MB.
    @Test func largeRepliesAreNotWrittenAheadOfTheReader() async throws {
        let server = try TestServer()
        let owner = try server.client()
        try owner.createJob("fat", ["t"])
        let value = String(repeating: "\u{10348}", count: 1024)
        let details = try StatusDetails((0..<10).map { (key: "k\($0)", value: value) })
        let update = UpdateJobExecutionRequest(
            jobId: job("fat"), thingName: thing("t"), status: .inProgress, statusDetails: details)
        #expect(try owner.call(update).status == .ok)
        let before = ProcessFacts.residentByteCount
        var lazy: [RawPeer] = []
        for _ in 0..<20 {
            let peer = try RawPeer(port: server.port, bufferByteCount: 4096)
            try peer.greet()
            for _ in 0..<1024 { peer.append(DescribeJobExecutionRequest(jobId: job("fat"), thingName: thing("t"))) }
            peer.flush()
            lazy.append(peer)
        }
        for _ in 0..<100 { #expect(try owner.call(HealthRequest()).status == .ok) }
        #expect(ProcessFacts.residentByteCount - before < 120_000_000)
        // Read late, every reply comes after all.
        for _ in 0..<1024 { #expect(try lazy[0].next().status == .ok) }
        for peer in lazy { peer.reset() }
        try server.expectServing()
        await server.stop()
    }

    @Test func connectionsThatComeAndGoLeaveNothing() async throws {
        let server = try TestServer()
        for round in 0..<300 {
            let peer = try RawPeer(port: server.port)
            switch round % 4 {
            case 0: peer.close()
            case 1: peer.reset()
            case 2:
                try peer.greet()
                peer.halfClose()
                #expect(throws: RawEnd.ended) { try peer.next() }
            default:
                peer.sendHello()
                peer.reset()
            }
        }
        #expect(await eventually { server.server.connectionCount == 0 })
        #expect(await eventually { ProcessFacts.openSocketCount(port: server.port) == 1 })
        try server.expectServing()
        await server.stop()
    }
}
