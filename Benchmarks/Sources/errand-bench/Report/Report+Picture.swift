/// The pictures of a report: throughput over connections and over calls in flight, and latency percentiles.
extension Report {
    var picture: Picture? {
        guard let sweep else { return nil }
        return Picture(
            charts: [
                Self.throughput(
                    "Describes/s, 16 in flight on each", "connections", sweep.overConnections, \.connections),
                Self.throughput("Describes/s, 4 connections", "in flight on each", sweep.overDepth, \.inFlight),
                latencies,
            ], caption: "errand \(commit), \(date), \(machine.line)")
    }

    static let oursColor = "#0b6e4f"
    static let otherColor = "#b0532b"

    private static func throughput(
        _ title: String, _ xTitle: String, _ points: [Sweep.Point], _ place: (Sweep.Point) -> Int
    ) -> Chart {
        Chart(
            title: title, xTitle: xTitle, yTitle: "calls/s", xAxis: .logarithmic,
            series: [
                Chart.Series(
                    name: "errand", color: oursColor, points: points.map { (Double(place($0)), $0.ours.callsPerSecond) }
                ),
                Chart.Series(
                    name: "floor (C)", color: otherColor,
                    points: points.map { (Double(place($0)), $0.floor.callsPerSecond) }),
            ])
    }

    private var latencies: Chart {
        let percents = [50, 75, 90, 95, 99, 99.5, 99.9, 99.99, 100]
        var series: [Chart.Series] = []
        for (id, name, isDashed) in [("S7", "one at a time", false), ("S1", "64 × 16", true)] {
            guard let row = rows.first(where: { $0.id == id }) else { continue }
            for (side, color, loads) in [
                ("errand", Self.oursColor, row.rounds.compactMap(\.oursLoad)),
                ("floor", Self.otherColor, row.rounds.compactMap(\.otherLoad)),
            ] where !loads.isEmpty {
                let points = percents.enumerated().compactMap { place, percent in
                    Self.median(of: loads, at: percent).map { (x: Double(place), y: $0) }
                }
                series.append(
                    Chart.Series(name: "\(side), \(name)", color: color, isDashed: isDashed, points: points))
            }
        }
        return Chart(
            title: "Latency, medians of the rounds", xTitle: "percentile", yTitle: "µs",
            xAxis: .named(percents.map { $0 == 100 ? "max" : $0.rounded() == $0 ? "\(Int($0))" : "\($0)" }),
            series: series, legendIsAtTop: true)
    }

    private static func median(of loads: [LoadResult], at percent: Double) -> Double? {
        errand_bench.median(loads.compactMap { $0.percentiles?.first { $0.first == percent }?.last })
    }
}
