import Foundation

/// grpc-swift-2 with its NIO transport and its own client.
struct GRPCSwiftContender: Contender {
    let name = "grpc-swift"

    func measure(_ shape: LoadShape, with bench: Bench) throws -> LoadResult {
        let server = try bench.start(.grpcSwiftPeer, ["serve", "--port", "0"])
        let port = try server.servingPort(after: "grpc-swift: serving on 127.0.0.1:", withinSeconds: 30)
        let load = try bench.start(.grpcSwiftPeer, ["load"] + shape.arguments(port: port, timing: bench.timing))
        let result = try load.decodedLine(as: LoadResult.self, withinSeconds: bench.timing.patienceSeconds)
        try load.waitForSuccess(withinSeconds: 20)
        server.closeInput()
        try server.waitForSuccess(withinSeconds: 20)
        return result
    }
}

/// gRPC C++ from Debian's packages: callback server and callback client. Compiled when it is first needed.
struct GRPCCppContender: Contender {
    let name = "gRPC C++"

    func measure(_ shape: LoadShape, with bench: Bench) throws -> LoadResult {
        let folder = try bench.grpcCppFolder()
        let server = try bench.start(path: folder + "/grpc-cpp-server", ["--port", "0"])
        let port = try server.servingPort(after: "grpc-cpp: serving on 127.0.0.1:", withinSeconds: 30)
        let load = try bench.start(
            path: folder + "/grpc-cpp-load", shape.arguments(port: port, timing: bench.timing))
        let result = try load.decodedLine(as: LoadResult.self, withinSeconds: bench.timing.patienceSeconds)
        try load.waitForSuccess(withinSeconds: 10)
        server.closeInput()
        try server.waitForSuccess(withinSeconds: 20)
        return result
    }

    /// Builds both programs, unless they are newer than their sources. Its last line says how it went.
    static func build() throws -> String {
        let folder = try PackageFolder.scratch("grpc-cpp")
        let script = try ChildProcess("/bin/sh", ["\(PackageFolder.root)/Peers/grpc-cpp/build", folder])
        let lines = try script.outputOfSuccess(withinSeconds: 600)
        guard lines.last == "ready" else { throw NotMeasuredYet(lines.last ?? "Peers/grpc-cpp/build said nothing") }
        return folder
    }
}
