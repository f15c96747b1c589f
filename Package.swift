// swift-tools-version: 6.3
import PackageDescription

let package = Package(
    name: "errand",
    products: [
        .library(name: "ErrandClient", targets: ["ErrandClient"]),
        .library(name: "ErrandServer", targets: ["ErrandServer"]),
        .executable(name: "errand", targets: ["errand"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    ],
    targets: [
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CIsal", pkgConfig: "libisal", providers: [.apt(["libisal-dev"])]),
        .systemLibrary(name: "CEpoll"),
        .systemLibrary(name: "CMalloc"),
        .systemLibrary(name: "CPrefetch"),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .target(name: "ErrandCore"),
        .target(name: "ErrandWire", dependencies: ["ErrandCore", "CIsal", "CZlib"]),
        .target(name: "ErrandTransport", dependencies: ["ErrandWire", "CEpoll"]),
        .target(
            name: "ErrandStore",
            dependencies: [
                "ErrandCore", "CMalloc", "CPrefetch", "CSQLite", "CZlib",
                .product(name: "HeapModule", package: "swift-collections"),
            ]),
        .target(
            name: "ErrandServer",
            dependencies: [
                "ErrandCore", "ErrandWire", "ErrandTransport", "ErrandStore",
                .product(name: "Logging", package: "swift-log"),
            ]),
        .target(name: "ErrandClient", dependencies: ["ErrandCore", "ErrandWire", "ErrandTransport"]),
        .target(
            name: "ErrandLoad",
            dependencies: ["ErrandCore", "ErrandWire", "ErrandTransport", "ErrandClient", "CPrefetch"]),
        .executableTarget(
            name: "errand",
            dependencies: [
                "ErrandServer", "ErrandClient", "ErrandLoad", "ErrandCore",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        // Its folder is the benchmarks', but it is a target of this package, whose insides it counts: see .ci/check-counts.
        .executableTarget(
            name: "errand-micro", dependencies: ["ErrandCore", "ErrandWire", "ErrandStore"], path: "Benchmarks/Micro"),
        .testTarget(
            name: "ErrandCommandTests",
            dependencies: [
                "errand", "ErrandClient", "ErrandCore", "ErrandServer", "ErrandTestSupport",
                .product(name: "Logging", package: "swift-log"),
            ]),
        .testTarget(
            name: "DurabilityTests",
            dependencies: ["errand", "ErrandClient", "ErrandCore", "ErrandStore", "ErrandTestSupport"]),
        .testTarget(name: "ErrandCoreTests", dependencies: ["ErrandCore"]),
        .testTarget(
            name: "ErrandStoreTests",
            dependencies: ["CStorageFaults", "ErrandCore", "ErrandStore", "ErrandTestSupport"]),
        .target(name: "CStorageFaults", path: "Tests/CStorageFaults"),
        .target(
            name: "ErrandTestSupport", dependencies: ["ErrandCore", "ErrandWire", "ErrandTransport"],
            path: "Tests/ErrandTestSupport"),
        .testTarget(
            name: "ErrandTransportTests", dependencies: ["ErrandTransport", "ErrandWire", "ErrandTestSupport"]),
        .testTarget(
            name: "ErrandServerTests",
            dependencies: [
                "ErrandServer", "ErrandStore", "ErrandCore", "ErrandWire", "ErrandTransport", "ErrandTestSupport",
            ]),
        .testTarget(
            name: "ErrandClientTests",
            dependencies: [
                "ErrandClient", "ErrandServer", "ErrandCore", "ErrandWire", "ErrandTransport", "ErrandTestSupport",
            ]),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "ErrandClient", "ErrandServer", "ErrandStore", "ErrandCore", "ErrandWire", "ErrandTransport",
                "ErrandTestSupport",
            ]),
        .testTarget(name: "ErrandWireTests", dependencies: ["ErrandCore", "ErrandWire"]),
        .testTarget(name: "RepositoryTests", dependencies: ["ErrandCore", "ErrandWire"]),
    ],
    swiftLanguageModes: [.v6]
)

// Every target gets the same settings here, so that none can forget them.
for target in package.targets where target.type != .system {
    target.swiftSettings = [
        .treatAllWarnings(as: .error),
        // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0335-existential-any.md
        .enableUpcomingFeature("ExistentialAny"),
        // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0409-access-level-on-imports.md
        .enableUpcomingFeature("InternalImportsByDefault"),
        // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0444-member-import-visibility.md
        .enableUpcomingFeature("MemberImportVisibility"),
        // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0461-async-function-isolation.md
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        // Lifetime annotations let a decoder borrow the bytes it reads (MessageReader) without copying or unsafe pointers.
        .enableExperimentalFeature("Lifetimes"),
    ]
}
