internal import Glibc

/// What the kernel says of this process.
package enum ProcessFacts {
    /// The text of a file of /proc, whose size is not known before it is read.
    private static func text(_ path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { break }
            all += buffer[..<count]
        }
        return String(decoding: all, as: UTF8.self)
    }

    /// Bytes in memory.
    package static var residentByteCount: Int {
        for line in text("/proc/self/status").split(separator: "\n") where line.hasPrefix("VmRSS:") {
            return (line.split(separator: " ").compactMap { Int($0) }.first ?? 0) * 1024
        }
        return 0
    }

    /// Sockets that somebody has open with this port at either end. Unlike a count of all descriptors it does not
    /// see what tests beside this one do.
    package static func openSocketCount(port: UInt16) -> Int {
        let digits = String(port, radix: 16, uppercase: true)
        let suffix = ":" + String(repeating: "0", count: 4 - digits.count) + digits
        return text("/proc/net/tcp").split(separator: "\n").dropFirst().count { line in
            let fields = line.split(separator: " ")
            // A socket without an inode has been closed by its owner.
            guard fields.count > 9, fields[9] != "0" else { return false }
            return fields[1].hasSuffix(suffix) || fields[2].hasSuffix(suffix)
        }
    }

    package static func isOpen(descriptor: Int32) -> Bool { fcntl(descriptor, F_GETFD) >= 0 }
}
