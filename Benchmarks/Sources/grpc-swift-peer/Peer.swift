import ArgumentParser

/// The gRPC peer in Swift: grpc-swift-2 with its NIO transport, as server or as load generator. Its service is registered by
/// hand, as generated code would do it.
@main
struct Peer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "grpc-swift-peer", abstract: "grpc-swift-2 as a peer of Errand in the benchmark.",
        subcommands: [Serve.self, LoadCommand.self])

    static func refuseDebugBuild() throws {
        #if DEBUG
            throw ValidationError("a debug build's figures mean nothing: build with `swift build -c release`")
        #endif
    }
}

/// What both sides know.
enum Fleet {
    static let jobId = "bench-3735928559"
    static let thingCount = 100_000

    static func thingName(_ index: Int) -> String { "press-line-\(1_000_000 + index)" }
}
