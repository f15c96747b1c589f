import Foundation
import Testing

/// The reference in Python against the vectors on disk; skipped where there is no Python.
@Suite(.timeLimit(.minutes(3)), .enabled(if: Python.isHere))
struct ReferenceTests {
    @Test(arguments: [["make_vectors.py", "--check"], ["check_vectors.py"], ["test_client.py"]])
    func theReferenceAgreesWithTheVectors(_ arguments: [String]) {
        #expect(Python.run(["-B"] + arguments) == 0)
    }
}

private enum Python {
    static let isHere = run(["-c", "pass"]) == 0

    static func run(_ arguments: [String]) -> Int32 {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3"] + arguments
        process.currentDirectoryURL = Repository.root.appending(path: "Protocol/reference")
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch { return -1 }
        process.waitUntilExit()
        return process.terminationStatus
    }
}
