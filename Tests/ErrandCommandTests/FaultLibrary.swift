import Foundation
import Glibc
import Testing

/// The library that makes the calls of a real server on its files fail (Tests/CStorageFaults), compiled once and preloaded.
struct FaultLibrary: Sendable {
    let path: String

    /// What it is told by; see storage_faults.c.
    struct Plan {
        var directory: String
        var index = 0
        var errorNumber: Int32 = 0
        var isSyncOnly = false
        var report = ""
        var delayMilliseconds = 0
    }

    private static let built = Result { try build() }

    static func shared() throws -> FaultLibrary { try built.get() }

    /// By the clang of the Swift toolchain, or what else there is.
    private static func build() throws -> FaultLibrary {
        let sources = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "CStorageFaults").path()
        let path = FileManager.default.temporaryDirectory.path() + "errand-faults-\(getpid()).so"
        let compiler = Process()
        compiler.executableURL = URL(filePath: "/bin/sh")
        compiler.arguments = [
            "-c", "exec \"$(command -v clang || command -v cc)\" \"$@\"", "sh", "-shared", "-fPIC", "-O1", "-Wall",
            "-Werror", "-I", sources + "/include", "-o", path,
            sources + "/storage_faults.c",
        ]
        try compiler.run()
        compiler.waitUntilExit()
        try #require(compiler.terminationStatus == 0, "cc could not build the library")
        return FaultLibrary(path: path)
    }

    func environment(_ plan: Plan) -> [String] {
        [
            "LD_PRELOAD=\(path)", "ERRAND_FAULT_DIRECTORY=\(plan.directory)", "ERRAND_FAULT_INDEX=\(plan.index)",
            "ERRAND_FAULT_ERRNO=\(plan.errorNumber)", "ERRAND_FAULT_KIND=\(plan.isSyncOnly ? "sync" : "all")",
            "ERRAND_FAULT_REPORT=\(plan.report)", "ERRAND_FAULT_DELAY_MS=\(plan.delayMilliseconds)",
        ]
    }
}

/// A directory that goes away with its owner.
final class TemporaryDirectory: Sendable {
    let path: String

    init(in parent: String = FileManager.default.temporaryDirectory.path()) throws {
        path = parent + "errand-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func text(_ name: String) -> String {
        FileManager.default.contents(atPath: "\(path)/\(name)").map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
