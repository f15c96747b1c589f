import ErrandClient
import ErrandCore
import ErrandServer
import ErrandTestSupport
import ErrandWire
import Testing

/// Starts a real server on a free port, or on `port`.
func startServer(
    port: UInt16 = 0, _ change: (inout ServerConfiguration) -> Void = { _ in }
) throws -> JobExecutionServer {
    var configuration = ServerConfiguration()
    configuration.port = port
    configuration.loopCount = 2
    change(&configuration)
    return try JobExecutionServer.start(configuration)
}

func connect(
    _ port: UInt16, _ change: (inout ClientConfiguration) -> Void = { _ in }
) async throws(ErrandError) -> JobExecutionClient {
    var configuration = ClientConfiguration()
    configuration.callTimeout = .seconds(20)
    change(&configuration)
    return try await JobExecutionClient.connect(host: "127.0.0.1", port: Int(port), configuration: configuration)
}

/// The error that `body` throws, or nothing.
func failure<R>(_ body: () async throws(ErrandError) -> R) async -> ErrandError? {
    do throws(ErrandError) {
        _ = try await body()
        return nil
    } catch {
        return error
    }
}

/// A server that greets as it should and then does what the test says.
func fakeServer(
    _ welcome: Welcome = Welcome(), _ play: @escaping @Sendable (RawPeer) throws -> Void
) throws -> RawListener {
    let listener = try RawListener()
    listener.serve { peer in
        try peer.welcome(welcome)
        try play(peer)
    }
    return listener
}
