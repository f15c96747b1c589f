import Testing

@Suite(.timeLimit(.minutes(2)))
struct VectorFileTests {
    /// A new file has to be added here, and so to a runner.
    @Test func everyFileIsKnownAndRead() {
        let expected = [
            "batch.json": "messages", "control.json": "messages", "executions.json": "messages",
            "failures.json": "messages", "handshake.json": "messages", "history.json": "messages",
            "jobs-operations.json": "messages", "jobs.json": "messages", "lists.json": "messages",
            "segments.json": "segments", "streams.json": "streams",
            "watches.json": "messages",
        ]
        #expect(Dictionary(VectorFile.all.map { ($0.name, $0.kind) }, uniquingKeysWith: { $1 }) == expected)
    }

    @Test(arguments: VectorFile.all)
    func everyGroupIsKnownAndFilled(_ file: VectorFile) {
        let known: Set =
            file.kind == "streams" ? ["valid", "decode_errors"] : ["valid", "degenerate", "decode_errors"]
        #expect(Set(file.groups.keys) == known)
        for (group, vectors) in file.groups {
            #expect(!vectors.isEmpty, "\(file.name) \(group)")
            #expect(Set(vectors.map(\.name)).count == vectors.count, "names in \(file.name) \(group)")
            check(vectors, group) { $0.bytes.isEmpty ? "has no bytes" : nil }
        }
    }
}
