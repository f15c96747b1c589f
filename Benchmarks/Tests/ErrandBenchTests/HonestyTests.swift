import Foundation
import Testing

@testable import errand_bench

/// What a benchmark reports is only worth something if it notices what is wrong. Each check here is shown a fault.
@Suite("Faults are noticed", .serialized, .timeLimit(.minutes(3)))
struct HonestyTests {
    @Test(arguments: [false, true])
    func `a reply about another thing fails the load, an honest proxy does not`(tampers: Bool) throws {
        let siblings = try Siblings()
        let server = try ChildProcess(
            siblings.path(of: .errand), ["serve", "--listen", "127.0.0.1:0", "--memory", "--log-level", "error"])
        let port = try server.servingPort(after: "errand: serving on 127.0.0.1:", withinSeconds: 30)
        let proxy = try TamperingProxy(serverPort: port, tampers: tampers)
        let load = try ChildProcess(
            siblings.path(of: .errand),
            [
                "bench", "--server", "127.0.0.1:\(proxy.port)", "--connections", "2", "--in-flight", "4", "--things",
                "100", "--seconds", "1", "--warm-up", "0", "--json",
            ])
        if tampers {
            #expect(throws: BenchmarkFailure.self) { try load.outputOfSuccess(withinSeconds: 60) }
        } else {
            let result = try load.decodedLine(as: LoadResult.self, withinSeconds: 60)
            #expect(result.allCalls == result.serverCalls && result.calls > 0)
            try load.waitForSuccess(withinSeconds: 10)
        }
        withExtendedLifetime(proxy) {}
        try server.terminate(withinSeconds: 30)
    }

    @Test func `planted allocations are counted one by one`() throws {
        for planted in [0, 1, 1000] {
            let (environment, page) = try Counter.allocations.attach()
            let probe = try ChildProcess(
                Siblings().path(of: .allocationProbe), ["\(planted)"], environment: environment)
            try probe.waitForSuccess(withinSeconds: 10)
            #expect(page.read(1) == [Double(planted)])
        }
    }

    @Test func `a program that is not there is named with its package`() throws {
        let error = #expect(throws: NotMeasuredYet.self) { try Tools.path(of: "no-such-peer", package: "peerd") }
        #expect(error?.description == "absent here: no-such-peer (apt-get install peerd)")
    }
}
