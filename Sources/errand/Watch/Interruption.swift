import ErrandClient

/// Ctrl-C and SIGTERM end what would never end by itself, which is a good end.
enum Interruption {
    /// Runs `body` until it ends, or until a signal comes: then it says `message` and gives nothing.
    static func ending<Result: Sendable>(
        _ message: @Sendable () -> String, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result? {
        // Before anything is shown: whoever has seen a line may send a signal.
        let signals = StopSignals()
        let work = Task { try await body() }
        Task {
            _ = await signals.first()
            work.cancel()
        }
        do {
            return try await work.value
        } catch let error as ErrandError where error.code == .cancelled && work.isCancelled {
            StandardError.write("errand: \(message())\n")
            return nil
        }
    }
}
