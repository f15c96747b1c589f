import Foundation
import Glibc

/// A library that counts inside the server's process; compiled when it is first needed.
enum Counter: String {
    case allocations
    case syncs

    private func library() throws -> String {
        let path = try PackageFolder.scratch("counters") + "/\(rawValue).so"
        let compiler = try ChildProcess(
            Tools.path(of: "cc", package: "gcc"),
            ["-O2", "-shared", "-fPIC", "-o", path, "\(PackageFolder.root)/Counters/\(rawValue).c"])
        try compiler.waitForSuccess(withinSeconds: 60)
        return path
    }

    /// What a child's environment needs, and the page where its counts appear.
    func attach() throws -> (environment: [String: String], page: CountPage) {
        let path = try PackageFolder.scratch("counters") + "/\(rawValue).\(getpid())"
        let page = try CountPage(path)
        return (["LD_PRELOAD": try library(), "ERRAND_COUNTS": path], page)
    }
}

/// Numbers that another process counts up.
final class CountPage {
    private let path: String
    private let numbers: UnsafeMutablePointer<UInt64>
    private static let byteCount = 4096

    init(_ path: String) throws {
        self.path = path
        unlink(path)
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0, ftruncate(descriptor, off_t(Self.byteCount)) == 0,
            let page = mmap(nil, Self.byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), page != MAP_FAILED
        else { throw BenchmarkFailure("cannot map \(path)") }
        close(descriptor)
        numbers = page.assumingMemoryBound(to: UInt64.self)
    }

    deinit {
        munmap(numbers, Self.byteCount)
        unlink(path)
    }

    func read(_ count: Int) -> [Double] { (0..<count).map { Double(numbers[$0]) } }
}
