import Foundation

/// Lines over logarithmic or named places, as SVG. Small on purpose: two axes, a grid, a legend.
struct Chart {
    struct Series {
        let name: String
        let color: String
        var isDashed = false
        /// Places on the x axis, and values.
        let points: [(x: Double, y: Double)]
    }

    enum Axis {
        /// Powers of ten are marked.
        case logarithmic
        /// Points lie at 0, 1, 2, …; these are their names.
        case named([String])
    }

    let title: String
    let xTitle: String
    let yTitle: String
    let xAxis: Axis
    let series: [Series]
    /// A logarithmic y axis if not.
    var startsAtZero = false
    /// Where the lines leave room.
    var legendIsAtTop = false

    static let width = 460.0
    static let height = 340.0
    private static let left = 64.0
    private static let right = 16.0
    private static let top = 40.0
    private static let bottom = 48.0

    private var places: [Double] { Array(Set(series.flatMap { $0.points.map(\.x) })).sorted() }

    private var yRange: (least: Double, most: Double) {
        let values = series.flatMap { $0.points.map(\.y) }.filter { $0 > 0 }
        let most = values.max() ?? 1
        if startsAtZero { return (0, most * 1.1) }
        return (pow(10, log10(values.min() ?? 1).rounded(.down)), pow(10, log10(most).rounded(.up)))
    }

    private func x(_ value: Double) -> Double {
        let room = Self.width - Self.left - Self.right
        switch xAxis {
        case .named(let names): return Self.left + room * (value + 0.5) / Double(max(1, names.count))
        case .logarithmic:
            let least = log10(places.first ?? 1), most = log10(places.last ?? 10)
            return Self.left + room * (0.04 + 0.92 * (log10(value) - least) / max(0.001, most - least))
        }
    }

    private func y(_ value: Double) -> Double {
        let room = Self.height - Self.top - Self.bottom
        let (least, most) = yRange
        let share =
            startsAtZero
            ? value / most : (log10(max(value, least)) - log10(least)) / max(0.001, log10(most) - log10(least))
        return Self.top + room * (1 - share)
    }

    /// A group whose upper left corner is at `offset`.
    func svg(offset: (x: Double, y: Double)) -> String {
        var lines = ["<g transform=\"translate(\(offset.x),\(offset.y))\">"]
        lines.append(Self.text(title, Self.left, 20, size: 13, weight: "bold"))
        lines += yGrid() + xGrid()
        for (index, series) in series.enumerated() { lines += line(series) + legend(series, index) }
        lines.append(Self.text(xTitle, Self.left + 190, Self.height - 8, anchor: "middle"))
        lines.append(Self.text(yTitle, Self.left, 35, size: 10, color: "#555"))
        lines.append("</g>")
        return lines.joined(separator: "\n")
    }

    private func yGrid() -> [String] {
        let (least, most) = yRange
        var marks: [Double] = []
        if startsAtZero {
            let step = pow(10, log10(most).rounded(.down)) / 2
            marks = Array(stride(from: 0, through: most, by: step))
        } else {
            var mark = least
            while mark <= most * 1.001 {
                marks.append(mark)
                mark *= 10
            }
        }
        return marks.flatMap { mark in
            [
                "<line x1=\"\(Self.left)\" y1=\"\(Self.short(y(mark)))\" x2=\"\(Self.width - Self.right)\" "
                    + "y2=\"\(Self.short(y(mark)))\" stroke=\"#ddd\"/>",
                Self.text(Self.count(mark), Self.left - 6, y(mark) + 4, size: 10, anchor: "end"),
            ]
        }
    }

    private func xGrid() -> [String] {
        let bottom = Self.height - Self.bottom
        let marks: [(Double, String)] =
            switch xAxis {
            case .logarithmic: places.map { ($0, Self.count($0)) }
            case .named(let names): names.enumerated().map { (Double($0.offset), $0.element) }
            }
        return marks.map { Self.text($0.1, x($0.0), bottom + 15, size: 10, anchor: "middle") }
            + [
                "<line x1=\"\(Self.left)\" y1=\"\(bottom)\" x2=\"\(Self.width - Self.right)\" y2=\"\(bottom)\" stroke=\"#888\"/>"
            ]
    }

    private func line(_ series: Series) -> [String] {
        let points = series.points.map { "\(Self.short(x($0.x))),\(Self.short(y($0.y)))" }
        let dash = series.isDashed ? " stroke-dasharray=\"5 4\"" : ""
        return [
            "<polyline points=\"\(points.joined(separator: " "))\" fill=\"none\" stroke=\"\(series.color)\" "
                + "stroke-width=\"2\"\(dash)/>"
        ]
            + series.points.map {
                "<circle cx=\"\(Self.short(x($0.x)))\" cy=\"\(Self.short(y($0.y)))\" r=\"3\" fill=\"\(series.color)\"/>"
            }
    }

    private func legend(_ series: Series, _ index: Int) -> [String] {
        let at =
            legendIsAtTop
            ? Self.top + 12 + Double(index) * 15
            : Self.height - Self.bottom - 12 - Double(self.series.count - 1 - index) * 15
        let right = legendIsAtTop ? Self.left + 190 : Self.width - Self.right
        let dash = series.isDashed ? " stroke-dasharray=\"5 4\"" : ""
        return [
            Self.text(series.name, right - 36, at + 4, size: 10, anchor: "end"),
            "<line x1=\"\(right - 30)\" y1=\"\(at)\" x2=\"\(right - 6)\" y2=\"\(at)\" stroke=\"\(series.color)\" "
                + "stroke-width=\"2\"\(dash)/>",
        ]
    }

    static func text(
        _ text: String, _ x: Double, _ y: Double, size: Int = 11, weight: String = "normal", anchor: String = "start",
        color: String = "#222"
    ) -> String {
        let escaped = text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
        return "<text x=\"\(short(x))\" y=\"\(short(y))\" font-size=\"\(size)\" font-weight=\"\(weight)\" "
            + "text-anchor=\"\(anchor)\" fill=\"\(color)\">\(escaped)</text>"
    }

    private static func short(_ value: Double) -> String { String(format: "%.1f", value) }

    private static func count(_ value: Double) -> String {
        switch value {
        case 1e6...: String(format: "%gM", value / 1e6)
        case 1e3...: String(format: "%gk", value / 1e3)
        default: String(format: "%g", value)
        }
    }
}

/// Charts side by side, with a line below that says what they belong to.
struct Picture {
    let charts: [Chart]
    let caption: String

    var svg: String {
        let width = Chart.width * Double(charts.count), height = Chart.height + 26
        let groups = charts.enumerated().map { $0.element.svg(offset: (Double($0.offset) * Chart.width, 0)) }
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(height)" font-family="sans-serif">
            <rect width="\(width)" height="\(height)" fill="white"/>
            \(groups.joined(separator: "\n"))
            \(Chart.text(caption, 12, height - 9, size: 10, color: "#555"))
            </svg>

            """
    }
}
