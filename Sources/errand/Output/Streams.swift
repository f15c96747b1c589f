import Glibc

/// Standard output, gathered into large writes. What cannot be written is a failure, never silence.
struct StandardOutput: ~Copyable {
    private var bytes: [UInt8] = []
    private static let byteCountPerWrite = 65_536

    mutating func write(_ text: String) throws(CommandFailure) {
        bytes += text.utf8
        if bytes.count >= Self.byteCountPerWrite { try flush() }
    }

    /// Kept until `flush`.
    mutating func line(_ text: String) {
        bytes += text.utf8
        bytes.append(UInt8(ascii: "\n"))
    }

    mutating func flush() throws(CommandFailure) {
        if let code = writeAll(bytes, to: STDOUT_FILENO) {
            throw CommandFailure(.refused, "cannot write to standard output: \(String(cString: strerror(code)))")
        }
        bytes.removeAll(keepingCapacity: true)
    }

    static func print(_ text: String) throws(CommandFailure) {
        var output = StandardOutput()
        output.line(text)
        try output.flush()
    }
}

extension StandardOutput {
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
}

enum StandardError {
    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    static func write(_ text: String) {
        _ = writeAll(Array(text.utf8), to: STDERR_FILENO)
    }
}

/// Returns errno if not all could be written.
private func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Int32? {
    var offset = 0
    while offset < bytes.count {
        let count = bytes.withUnsafeBytes {
            Glibc.write(descriptor, $0.baseAddress?.advanced(by: offset), bytes.count - offset)
        }
        if count >= 0 {
            offset += count
            continue
        }
        let code = errno
        if code != EINTR { return code }
    }
    return nil
}
