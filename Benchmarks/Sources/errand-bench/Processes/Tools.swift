import Foundation

/// Programs of the system that a peer needs. What is missing is named with the command that installs it.
enum Tools {
    static func path(of name: String, package: String) throws -> String {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin").split(separator: ":")
        for folder in folders where FileManager.default.isExecutableFile(atPath: "\(folder)/\(name)") {
            return "\(folder)/\(name)"
        }
        throw NotMeasuredYet("absent here: \(name) (apt-get install \(package))")
    }

    /// A port that was free a moment ago, for servers that cannot choose one.
    static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw BenchmarkFailure("no socket") }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var byteCount = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, byteCount) == 0 && getsockname(descriptor, $0, &byteCount) == 0
            }
        }
        guard isBound else { throw BenchmarkFailure("no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}

/// Where this package lies, and where it may put what it makes: both were known when it was compiled.
enum PackageFolder {
    static let root: String = {
        var path = #filePath as NSString
        for _ in 0..<4 { path = path.deletingLastPathComponent as NSString }
        return path as String
    }()

    /// A folder below .build, made anew and empty if `isEmptied`.
    static func scratch(_ name: String, isEmptied: Bool = false) throws -> String {
        let path = root + "/.build/bench/" + name
        if isEmptied { try? FileManager.default.removeItem(atPath: path) }
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }
}
