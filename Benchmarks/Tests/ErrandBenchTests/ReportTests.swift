import Testing

@testable import errand_bench

@Suite("What a report says")
struct ReportTests {
    @Test func `medians of nothing, odd and even counts`() {
        #expect(median([]) == nil)
        #expect(median([3, 1, 2]) == 2)
        #expect(median([4, 1, 2, 3]) == 2.5)
    }

    @Test(arguments: [
        (7_551_234.0, "7,550,000"), (999_600, "1,000,000"), (123_456, "123,000"), (1_000, "1,000"), (999, "999"),
        (28.84, "28.8"), (0.47571, "0.476"), (0, "0.0"),
    ])
    func `figures have three digits`(value: Double, text: String) {
        #expect(Report.figure(value) == text)
    }

    @Test func `a row is judged in its own direction`() {
        #expect(Target.atLeast(0.45, goal: 0.8).isMet(by: 0.45, 0.45))
        #expect(!Target.atLeast(0.45, goal: 0.8).isMet(by: 0.44, 0.45))
        #expect(Target.atMost(3, goal: 1.5).isMet(by: 1.5, 1.5))
        #expect(!Target.atMost(3, goal: 1.5).isMet(by: 3.1, 3))
    }

    @Test func `the ratio is the median of the rounds' own ratios`() throws {
        var ours = [10.0, 40, 90].makeIterator(), other = [10.0, 80, 100].makeIterator()
        let alternation = try Alternation(
            roundCount: 3, ours: { measurement(ours.next()) }, other: { measurement(other.next()) })
        let result = RowResult(row: S1(), alternation: alternation)
        #expect(result.ratio == 0.9)
        #expect(result.met == true && result.goalMet == true)
    }

    @Test func `a row without figures claims nothing`() throws {
        let alternation = try Alternation(
            roundCount: 2, ours: { throw NotMeasuredYet("no load") }, other: { measurement(5) })
        let result = RowResult(row: S1(), alternation: alternation)
        #expect(result.ours == nil && result.ratio == nil && result.met == nil && result.goalMet == nil)
        #expect(result.other == 5)
        #expect(result.status == "not measured: no load")
    }

    @Test func `an absent peer is named, and our figure stands without a ratio`() throws {
        let alternation = try Alternation(
            roundCount: 2, ours: { measurement(7) }, other: { throw NotMeasuredYet("absent here: redis-server") })
        let result = RowResult(row: S6(), alternation: alternation)
        #expect(result.ours == 7 && result.other == nil && result.ratio == nil && result.met == nil)
        #expect(result.status == "not measured: absent here: redis-server")
    }

    @Test func `what a server can do is read from its help`() {
        #expect(!ServeFeatures(["  --listen <host:port>"]).hasData)
        #expect(ServeFeatures(["  --data <directory>", "  --memory"]).hasMemory)
    }

    @Test func `a picture has every point of every line inside its frame`() throws {
        let points: [(x: Double, y: Double)] = [(1, 3), (10, 40_000), (10_000, 9e6)]
        let series = Chart.Series(name: "a & b", color: "#000", points: points)
        let chart = Chart(title: "t", xTitle: "x", yTitle: "y", xAxis: .logarithmic, series: [series])
        let svg = Picture(charts: [chart], caption: "c").svg
        let circles = svg.matches(of: /<circle cx="([0-9.]+)" cy="([0-9.]+)"/)
        #expect(circles.count == points.count)
        for circle in circles {
            let (x, y) = (try #require(Double(circle.1)), try #require(Double(circle.2)))
            #expect((0...Chart.width).contains(x) && (0...Chart.height).contains(y))
        }
        #expect(svg.contains("a &amp; b"))
    }

    @Test func `other work and CPUs that moved disturb`() {
        #expect(!disturbance(handoff: 100, 120).isTooMuch)
        #expect(disturbance(handoff: 100, 150).isTooMuch)
        #expect(disturbance(handoff: 150, 100).isTooMuch)
        #expect(disturbance(others: 0.11, handoff: 100, 100).isTooMuch)
        #expect(disturbance(handoff: 100, 100).haveCPUsMoved(since: disturbance(handoff: 200, 200)))
    }

    private func measurement(_ value: Double?) -> Measurement {
        Measurement(value: value ?? .nan, load: nil, disturbance: disturbance(handoff: 100, 100))
    }

    private func disturbance(others: Double = 0, handoff before: Double, _ after: Double) -> Disturbance {
        Disturbance(othersShare: others, stealShare: 0, handoffBefore: before, handoffAfter: after)
    }
}
