import Foundation

/// What the figures belong to: two reports with different ones are not to be compared.
struct Machine: Codable {
    let cpu: String
    let cpuCount: Int
    let kernel: String
    let loadAverageBefore: String
    /// Whether idle CPUs were kept from halting, for all sides alike.
    let isKeptAwake: Bool
    /// How they were; nothing if they were not.
    let isKeptAwakeBy: String?

    /// `means` keeps CPUs from halting; nothing if they may halt.
    static func current(keptAwake means: String?) -> Machine {
        let model = text("/proc/cpuinfo").split(separator: "\n").first { $0.hasPrefix("model name") }
        return Machine(
            cpu: model?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown",
            cpuCount: ProcessInfo.processInfo.activeProcessorCount,
            kernel: text("/proc/sys/kernel/osrelease").trimmingCharacters(in: .whitespacesAndNewlines),
            loadAverageBefore: text("/proc/loadavg").split(separator: " ").first.map(String.init) ?? "unknown",
            isKeptAwake: means != nil, isKeptAwakeBy: means)
    }

    private static func text(_ path: String) -> String {
        (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    }
}

enum Commit {
    /// The commit checked out where the binaries lie, with `+changes` if files differ from it. What
    /// was built is what was checked out only if the build is fresh; nothing here can know that.
    static func current(near folder: String) -> String {
        guard let commit = git(["rev-parse", "--short=12", "HEAD"], in: folder).first else { return "unknown" }
        return git(["status", "--porcelain"], in: folder).isEmpty ? commit : commit + "+changes"
    }

    private static func git(_ arguments: [String], in folder: String) -> [String] {
        guard let process = try? ChildProcess("/usr/bin/env", ["git", "-C", folder] + arguments) else { return [] }
        return (try? process.line(withinSeconds: 20)).map { [$0] } ?? []
    }
}

extension Machine {
    var line: String { "\(cpu), \(cpuCount) CPUs, Linux \(kernel), load \(loadAverageBefore)" }
}
