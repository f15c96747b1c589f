import ErrandClient

/// What becomes of one simulated device's execution.
enum Fate: CaseIterable {
    case succeeds
    case fails
    case rejects
    /// The operator cancels it before the device comes.
    case canceledWhileQueued
    /// The operator forces it while the device works; the device's next report comes too late.
    case canceledWhileRunning
    /// The device falls silent after a report that set a step timer.
    case timesOut
    /// The device falls silent without such a timer.
    case stalls
    case neverPulls

    /// The same fleet in every run: the first devices show one fate each, the others follow a fixed draw.
    init(ofDevice index: Int) {
        let first: [Fate] = [
            .succeeds, .fails, .rejects, .canceledWhileQueued, .canceledWhileRunning, .timesOut, .neverPulls, .stalls,
        ]
        if index < first.count {
            self = first[index]
            return
        }
        switch Self.draw(index) {
        case 0..<60: self = .fails
        case 60..<90: self = .rejects
        case 90..<130: self = .canceledWhileQueued
        case 130..<170: self = .canceledWhileRunning
        case 170..<190: self = .timesOut
        case 190..<200: self = .stalls
        case 200..<220: self = .neverPulls
        default: self = .succeeds
        }
    }

    /// 0 to 999: one step of SplitMix64.
    private static func draw(_ index: Int) -> UInt64 {
        var value = (UInt64(index) &+ 0x5740) &* 0x9E37_79B9_7F4A_7C15
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return (value ^ (value >> 31)) % 1000
    }
}

/// How an execution ended for those who took part: the device and the operator.
struct Sighting: Sendable {
    var status: JobExecutionStatus
    var versionNumber: Int64
    var forceCanceled = false
}

/// Something that was not as it had to be.
struct Disagreement: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }

    /// Throws unless the two are equal.
    static func check<Value: Equatable>(_ what: String, _ actual: Value, is expected: Value) throws(Disagreement) {
        guard actual == expected else { throw Disagreement("\(what) is \(actual), expected \(expected)") }
    }
}
