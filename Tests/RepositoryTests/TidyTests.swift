import Foundation
import Testing

/// The rules of this repository that no compiler knows. A finding names file and line.
@Suite(.timeLimit(.minutes(2)))
struct TidyTests {
    private static let sources = Repository.swiftFiles("Sources")
    private static let tests = Repository.swiftFiles("Tests")
    /// Of modifiers, attributes, `func`, `init` and `deinit`.
    private static let declarationInitials = Array("@dfimops".utf8)
    /// Written so that this file does not break its own rules.
    private static let sleep = "sl" + "eep"

    private func report(_ findings: [String]) {
        for finding in findings.prefix(20) { Issue.record("\(finding)") }
        if findings.count > 20 { Issue.record("and \(findings.count - 20) more") }
    }

    private func places(
        in files: [SourceFile], _ what: String, where matches: (SourceFile, String) -> Bool
    ) -> [String] {
        files.flatMap { file in
            file.code.enumerated().filter { matches(file, $0.element) }.map { "\(file.path):\($0.offset + 1): \(what)" }
        }
    }

    @Test func textsAndCommentsAreNoCode() {
        let file = SourceFile(
            path: "x", lines: ["a(\"b // \\\" !\") // c", "/// d", "e! // f", "g = \"\"\"", "h!", "\"\"\""])
        #expect(file.code == ["a() ", "", "e! ", "", "", ""])
    }

    @Test func thereIsSomethingToLookAt() {
        #expect(Self.sources.count > 50)
        #expect(Self.tests.count > 20)
    }

    @Test func filesAreShort() {
        let long = (Self.sources + Self.tests).filter { $0.lines.count > 500 }
        report(long.map { "\($0.path) has \($0.lines.count) lines; the limit is 500" })
    }

    /// By indentation, which swift-format keeps: a function ends at the next closing brace in its own column.
    @Test func functionsAreShort() {
        var findings: [String] = []
        for file in Self.sources + Self.tests {
            for (start, line) in file.lines.enumerated() {
                // Most lines are not even worth a regular expression, which takes its time in a debug build.
                guard Self.declarationInitials.contains(line.utf8.first { $0 != 0x20 } ?? 0),
                    line.contains(
                        /^ *(@\S+ )*((package|private|fileprivate|public|static|mutating|override) )*(func|init|deinit)\b/
                    ),
                    !line.hasSuffix("}")
                else { continue }
                let column = line.prefix { $0 == " " }
                guard let count = file.lines[start...].firstIndex(of: column + "}").map({ $0 - start + 1 }) else {
                    continue
                }
                if count > 70 {
                    findings.append("\(file.path):\(start + 1): a function of \(count) lines; the limit is 70")
                }
            }
        }
        report(findings)
    }

    @Test func nothingInSourcesTrapsForConvenience() {
        report(
            places(in: Self.sources, "try!, as! or fatalError") { _, line in
                line.contains(/\btry!|\bas!|\bfatalError\b/)
            })
        report(
            places(in: Self.sources, "an unwrap with !") { _, line in
                line.utf8.contains(UInt8(ascii: "!")) && line.contains(/[A-Za-z0-9_)\]]!(?!=)/)
            })
    }

    @Test func theLibrariesDoWithoutFoundation() {
        let modules: Set = ["ErrandCore", "ErrandWire", "ErrandTransport", "ErrandServer", "ErrandClient"]
        report(
            places(in: Self.sources, "imports Foundation") { file, line in
                modules.contains(file.module) && line.contains(/\bimport Foundation/)
            })
    }

    /// DESIGN.md §1: bytes, rules, storage and sockets never know each other.
    @Test func modulesImportOnlyWhatTheyMay() {
        let own: Set = [
            "ErrandCore", "ErrandWire", "ErrandTransport", "ErrandStore", "ErrandServer", "ErrandClient", "ErrandLoad",
            "CZlib", "CSQLite",
            "CEpoll", "CPrefetch",
        ]
        let allowed: [String: Set<String>] = [
            "ErrandCore": [], "ErrandWire": ["ErrandCore", "CZlib"], "ErrandTransport": ["ErrandWire", "CEpoll"],
            "ErrandStore": ["ErrandCore", "CPrefetch", "CSQLite", "CZlib"],
            "ErrandServer": ["ErrandCore", "ErrandWire", "ErrandTransport", "ErrandStore"],
            "ErrandClient": ["ErrandCore", "ErrandWire", "ErrandTransport"],
            "ErrandLoad": ["ErrandCore", "CPrefetch", "ErrandWire", "ErrandTransport", "ErrandClient"],
            "errand": ["ErrandCore", "ErrandServer", "ErrandClient", "ErrandLoad"],
        ]
        for file in Self.sources where allowed[file.module] == nil {
            Issue.record("\(file.path) is in no known module")
        }
        report(
            places(in: Self.sources, "an import against the arrows") { file, line in
                guard let match = line.firstMatch(of: /^(?:\S+ )*import (\w+)/) else { return false }
                let module = String(match.1)
                return own.contains(module) && !(allowed[file.module] ?? []).contains(module)
            })
    }

    @Test func uncheckedSendableIsJustified() {
        var findings: [String] = []
        for file in Self.sources {
            for (index, line) in file.code.enumerated() where line.contains("@unchecked Sendable") {
                let comment = file.lines[..<index].reversed().prefix { $0.contains(/^ *\/\/\//) }
                let after = file.lines[(index + 1)...].prefix(1).filter { $0.contains("//") }
                if (comment + after).isEmpty {
                    findings.append("\(file.path):\(index + 1): says nothing about who guards it")
                }
            }
        }
        report(findings)
    }

    @Test func theTopLevelHoldsOnlyWhatBelongsThere() throws {
        let allowed: Set = [
            "Package.swift", "Package.resolved", "Sources", "Tests", "Protocol", "Benchmarks", "README.md",
        ]
        let names = try FileManager.default.contentsOfDirectory(atPath: Repository.root.path())
        report(names.filter { !$0.hasPrefix(".") && !allowed.contains($0) }.map { "\($0) is at the top level" })
    }

    @Test func testsDoNotWaitForTimeToPass() {
        report(
            places(in: Self.tests, "waits for time to pass") { _, line in
                line.contains("\(Self.sleep)(") || line.contains("Task.\(Self.sleep)")
            })
    }

    @Test func namesOfTestsAreStatements() {
        report(
            places(in: Self.tests, "a test is named as a statement, without \"test\"") { _, line in
                line.contains(/\bfunc test[A-Z_]/)
            })
    }

    @Test func everySuiteHasATimeLimit() {
        report(
            places(in: Self.tests, "a suite without a time limit") { _, line in
                line.contains("@Suite") && !line.contains("timeLimit")
            })
    }

    @Test func linesEndWhereTheyEnd() {
        let findings = (Self.sources + Self.tests).flatMap { file in
            file.lines.enumerated().filter { $0.element.hasSuffix(" ") || $0.element.contains("\t") }
                .map { "\(file.path):\($0.offset + 1): a space at the end, or a tab" }
        }
        report(findings)
    }
}
