import ErrandClient

/// The things that a job is for, gathered from `--target` and `--targets-file`.
struct TargetList {
    static let countMax = 1_000_000
    private static let lineByteCountMax = 4096

    private(set) var names: [ThingName]

    init(_ names: [ThingName]) {
        self.names = names
    }

    /// One name a line; blank lines and lines that begin with `#` do not count.
    mutating func append(fromFile path: String) throws(CommandFailure) {
        let file = try InputFile(path)
        var lineNumber = 0
        var line: [UInt8] = []
        while true {
            let piece = try file.read()
            for byte in piece {
                if byte == UInt8(ascii: "\n") {
                    lineNumber += 1
                    try append(line: line, lineNumber, of: file.name)
                    line.removeAll(keepingCapacity: true)
                } else {
                    line.append(byte)
                }
            }
            guard line.count <= Self.lineByteCountMax else {
                throw CommandFailure(.usage, "\(file.name): line \(lineNumber + 1) is no thing's name: it is too long")
            }
            if piece.isEmpty { break }
        }
        if !line.isEmpty { try append(line: line, lineNumber + 1, of: file.name) }
    }

    private mutating func append(line: [UInt8], _ number: Int, of file: String) throws(CommandFailure) {
        let isSpace: (UInt8) -> Bool = {
            $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: "\r")
        }
        let trimmed = line.drop(while: isSpace)
        guard let end = trimmed.lastIndex(where: { !isSpace($0) }), trimmed.first != UInt8(ascii: "#") else { return }
        let text = String(decoding: trimmed[...end], as: UTF8.self)
        guard !text.contains("/") else {
            throw CommandFailure(.usage, "\(file): line \(number): \(ThingName.notAThing(text))")
        }
        do throws(InvalidField) {
            names.append(try ThingName(text))
        } catch {
            throw CommandFailure(.usage, "\(file): line \(number): \(error)")
        }
        guard names.count <= Self.countMax else {
            throw CommandFailure(.usage, "more than \(Self.countMax) targets; a job takes no more")
        }
    }
}
