import Foundation

struct GrowthReport: Encodable {
    let commit: String
    let date: String
    let machine: Machine
    let isQuick: Bool
    let growth: Growth

    private var lines: [Growth.Line] {
        [growth.connections, growth.executions, growth.silentWatches, growth.hitWatches]
    }

    func print(asJSON: Bool) throws {
        if asJSON {
            FileHandle.standardOutput.write(try Report.json(self))
        } else {
            Swift.print(markdown)
        }
    }

    func write(to folder: String) throws {
        let base = folder + "/\(date)-\(commit)-growth"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Report.json(self).write(to: URL(fileURLWithPath: base + ".json"))
        try Data((markdown + "\n").utf8).write(to: URL(fileURLWithPath: base + ".md"))
        try Data(picture.svg.utf8).write(to: URL(fileURLWithPath: base + ".svg"))
        note("written: \(base).{json,md,svg}")
    }

    /// The last column is what is left of the rate at the first place.
    private var markdown: String {
        var text = ["commit \(commit), \(date)  ", machine.line, ""]
        if isQuick { text.append("**quick**: shows that it runs; no figure to quote\n") }
        for line in lines {
            text += ["### \(line.what)", ""]
            text += ["| how many | a second | of the first | events for each call |", "|--:|--:|--:|--:|"]
            text += line.places.indices.map { index in
                let rate = line.callsPerSecond[index], first = line.callsPerSecond[0]
                let events = index < line.eventsPerCall.count ? Report.figure(line.eventsPerCall[index]) : "–"
                let cells = ["\(line.places[index])", Report.figure(rate), Report.ratioText(rate / first), events]
                return "| " + cells.joined(separator: " | ") + " |"
            }
            text += line.note.map { ["", "Ended \($0)"] } ?? []
            text.append("")
        }
        return text.joined(separator: "\n")
    }

    private var picture: Picture {
        let titles = [
            ("Describes/s as connections grow", "connections, at most 64 active"),
            ("Describes/s as executions grow", "executions"), ("Updates/s as watches grow", "watches nobody hits"),
            ("Events/s that arrive, of as many that are due", "watches of everything"),
        ]
        let charts = zip(titles, lines).map { title, line in
            Chart(
                title: title.0, xTitle: title.1, yTitle: "a second", xAxis: .logarithmic,
                series: [
                    Chart.Series(
                        name: "errand", color: Report.oursColor,
                        points: zip(line.places, line.callsPerSecond).map { (Double($0), $1) })
                ], startsAtZero: true)
        }
        return Picture(charts: charts, caption: "errand \(commit), \(date), \(machine.line)")
    }
}
