import Glibc

/// A file named on the command line, or standard input for `-`, read piece by piece.
struct InputFile: ~Copyable {
    let name: String
    private let descriptor: Int32

    init(_ path: String) throws(CommandFailure) {
        if path == "-" {
            name = "standard input"
            descriptor = STDIN_FILENO
            return
        }
        name = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.unreadable(path, errno) }
    }

    deinit {
        if descriptor > STDIN_FILENO { close(descriptor) }
    }

    /// The next bytes; none at the end.
    func read(upTo byteCountMax: Int = 65_536) throws(CommandFailure) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: byteCountMax)
        while true {
            let count = Glibc.read(descriptor, &bytes, byteCountMax)
            if count >= 0 {
                bytes.removeLast(byteCountMax - count)
                return bytes
            }
            let code = errno
            if code != EINTR { throw Self.unreadable(name, code) }
        }
    }

    private static func unreadable(_ name: String, _ code: Int32) -> CommandFailure {
        CommandFailure(.usage, "cannot read \(name): \(String(cString: strerror(code)))")
    }

    /// All of it as text, unless it has more than `byteCountMax` bytes.
    static func text(_ path: String, byteCountMax: Int) throws(CommandFailure) -> String {
        let file = try InputFile(path)
        var bytes: [UInt8] = []
        while true {
            let piece = try file.read()
            if piece.isEmpty { break }
            bytes += piece
            guard bytes.count <= byteCountMax else {
                throw CommandFailure(.usage, "\(file.name) has more than \(byteCountMax) bytes")
            }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CommandFailure(.usage, "\(file.name) is not UTF-8 text")
        }
        return text
    }
}
