import Testing

@testable import errand

@Suite("Demo", .timeLimit(.minutes(2)))
struct DemoTests {
    @Test(arguments: [1, 2, 8, 300])
    func demoAgreesWithItself(things: Int) async throws {
        let result = try await Command.run("demo", "--things", String(things), "--json")
        #expect(result.status == 0 && result.errors.isEmpty)
        #expect(result.output.hasPrefix("{\"things\":\(things),\"executions\":\(things),\"succeeded\":"))
        #expect(result.output.count { $0 == "\n" } == 1)
    }

    @Test func peopleGetATable() async throws {
        let result = try await Command.run("demo", "--things", "20")
        #expect(result.status == 0 && result.errors.isEmpty)
        #expect(result.output.hasPrefix("OUTCOME ") && result.output.contains("all 20 executions agree"))
    }

    @Test func eightDevicesShowEveryFate() {
        #expect(Set((0..<8).map { Fate(ofDevice: $0) }) == Set(Fate.allCases))
        #expect((0..<2000).map { Fate(ofDevice: $0) } == (0..<2000).map { Fate(ofDevice: $0) })
        #expect((8..<2000).count { Fate(ofDevice: $0) == .succeeds } > 1000)
    }
}
