import Foundation

/// The programs built beside this one. They are found next to it and nowhere else: a stray one from PATH or
/// of another configuration would be measured unnoticed.
struct Siblings {
    enum Binary: String, CaseIterable {
        case errand
        case floorServer = "floor-server"
        case floorLoad = "floor-load"
        case appendFloor = "append-floor"
        case keepAwake = "keep-awake"
        case allocationProbe = "allocation-probe"
        case grpcSwiftPeer = "grpc-swift-peer"
    }

    let folder: String

    init() throws {
        let executable = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        folder = (executable as NSString).deletingLastPathComponent
        for binary in Binary.allCases where !FileManager.default.isExecutableFile(atPath: path(of: binary)) {
            throw BenchmarkFailure("no \(path(of: binary)): run `swift build -c release` in Benchmarks first")
        }
    }

    func path(of binary: Binary) -> String { folder + "/" + binary.rawValue }
}
