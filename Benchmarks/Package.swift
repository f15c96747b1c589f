// swift-tools-version: 6.3
import PackageDescription

// A package of its own, so that what only a benchmark needs never reaches a user's build.
let package = Package(
    name: "errand-benchmarks",
    dependencies: [
        // The name is given because a path dependency is otherwise known by its folder, and a clone may be called anything.
        .package(name: "errand", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.0"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        .target(name: "FloorSupport"),
        .executableTarget(name: "floor-server", dependencies: ["FloorSupport"]),
        .executableTarget(name: "floor-load", dependencies: ["FloorSupport"]),
        .executableTarget(name: "append-floor", dependencies: ["FloorSupport"]),
        .executableTarget(name: "keep-awake", dependencies: ["FloorSupport"]),
        .executableTarget(name: "allocation-probe"),
        .executableTarget(
            name: "grpc-swift-peer",
            dependencies: [
                "FloorSupport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
            ]),
        .executableTarget(
            name: "errand-bench",
            dependencies: [
                "FloorSupport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "ErrandClient", package: "errand"),
                // Never imported: named so that they are built, in the same configuration, beside us.
                .product(name: "errand", package: "errand"),
                "floor-server", "floor-load", "append-floor", "keep-awake", "allocation-probe", "grpc-swift-peer",
            ]),
        .testTarget(name: "ErrandBenchTests", dependencies: ["errand-bench"]),
        .testTarget(
            name: "FloorSupportTests",
            dependencies: ["FloorSupport", .product(name: "Histogram", package: "hdrhistogram-swift")]),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu17
)

let cTargets: Set = [
    "FloorSupport", "floor-server", "floor-load", "append-floor", "keep-awake", "allocation-probe",
]
for target in package.targets {
    if cTargets.contains(target.name) {
        target.cSettings = [
            .enableWarning("all"), .enableWarning("extra"), .treatAllWarnings(as: .error),
            .define("_GNU_SOURCE"),
        ]
    } else {
        target.swiftSettings = [
            .treatAllWarnings(as: .error),
            .enableUpcomingFeature("ExistentialAny"),
            .enableUpcomingFeature("InternalImportsByDefault"),
            .enableUpcomingFeature("MemberImportVisibility"),
        ]
    }
}
