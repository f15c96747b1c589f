import ErrandClient

/// How the process ends (see `errand --help`).
enum ExitStatus: Int32 {
    case done = 0
    case refused = 1
    case usage = 2
    case unreachable = 3

    init(_ code: StatusCode) {
        switch code {
        case .unavailable, .deadlineExceeded, .protocolError: self = .unreachable
        default: self = .refused
        }
    }
}

/// Why a command did not do what it was asked: what to print, and with which status to end.
struct CommandFailure: Error {
    let status: ExitStatus
    /// One line for standard error.
    let line: String

    private init(_ status: ExitStatus, line: String) {
        self.status = status
        self.line = line
    }

    init(_ status: ExitStatus, _ message: String) {
        self.init(status, line: "errand: " + EscapedText.line(message))
    }

    init(_ error: ErrandError, asJSON: Bool) {
        let status = ExitStatus(error.code)
        if asJSON {
            self.init(status, line: JSONWriter.text { $0.append(error) })
        } else {
            self.init(status, error.sentence)
        }
    }

    func print() {
        StandardError.write(line + "\n")
    }
}

extension ErrandError {
    /// `VERSION_MISMATCH: expected version 1, … (IN_PROGRESS, version 3, execution 1, details progress=40/100)`.
    var sentence: String {
        var text = "\(code): \(message)"
        if let state = executionState {
            text += " (\(state.status), version \(state.versionNumber), execution \(state.executionNumber)"
            if !state.statusDetails.isEmpty {
                text += ", details " + state.statusDetails.pairs.map { "\($0.key)=\($0.value)" }.joined(separator: ", ")
            }
            text += ")"
        }
        if applied == .unknown, code != .protocolError { text += "; the call may have been applied" }
        return text
    }
}
