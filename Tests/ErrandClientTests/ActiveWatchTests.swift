import ErrandCore
import ErrandServer
import ErrandTestSupport
import Testing

@testable import ErrandClient

/// What a client keeps of a watch, whatever the server sends.
@Suite(.ownThreads, .timeLimit(.minutes(1)))
struct ActiveWatchTests {
    /// A consumer that is always two behind would keep everything that ever came, about 100 MB here.
    @Test func whatWasTakenIsNotKept() async {
        let watch = ActiveWatch()
        #expect(watch.put([.next(nil), .next(nil)]))
        let before = ProcessFacts.residentByteCount
        for _ in 0..<300_000 {
            #expect(watch.put([.next(nil)]))
            _ = await watch.next()
        }
        #expect(ProcessFacts.residentByteCount - before < 30_000_000)
    }

    @Test func aFloodOfBookmarksIsOne() async {
        let watch = ActiveWatch()
        for revision in 1...100_000 as ClosedRange<UInt64> { #expect(watch.put([.bookmark(revision)])) }
        guard case .bookmark(100_000) = await watch.next() else { return #expect(Bool(false)) }
    }

    /// More than there was credit for is refused, but whoever waits gets what there is.
    @Test func aServerThatExceedsItsCreditLeavesNobodyWaiting() async {
        let watch = ActiveWatch()
        async let first = watch.next()
        let flood = Array(repeating: WatchItem.next(nil), count: 3 * Int(ActiveWatch.creditWindow))
        var isAllowed = true
        while isAllowed { isAllowed = watch.put(flood) }
        guard case .next = await first else { return #expect(Bool(false)) }
    }

    /// What ended a watch for good ends every later question too.
    @Test func anEndIsAnEndForEver() async throws {
        let server = try startServer { $0.watchHistoryEventCount = 8 }
        let client = try await connect(server.port)
        let events = try await client.watch(.everything)
        client.close()
        for _ in 0..<2 {
            let error = await failure { () throws(ErrandError) in
                for try await _ in events {}
            }
            #expect(error?.code == .cancelled)
        }
        await server.stop()
    }
}
