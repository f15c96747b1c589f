import ErrandTestSupport
import Foundation
import Synchronization

/// A generator whose sequence a seed decides (SplitMix64); a test prints the seed, so that a failure comes again.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// True that often in a hundred.
    mutating func chance(_ percentage: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percentage }
}

/// A new seed, or the one to repeat, as `ERRAND_TEST_SEED` says. It is printed with what the test is called.
func newSeed(_ name: String = #function) -> UInt64 {
    let seed =
        ProcessInfo.processInfo.environment["ERRAND_TEST_SEED"].flatMap { UInt64($0) } ?? .random(in: 0..<1_000_000)
    print("\(name): seed \(seed); ERRAND_TEST_SEED=\(seed) repeats it")
    return seed
}

/// A directory that is gone with the object.
final class TemporaryDirectory: Sendable {
    let path: String

    /// - Parameter isOnDisk: where hundreds of stores are opened, memory does as well: a killed process loses neither.
    init(isOnDisk: Bool = true) {
        let memory = isOnDisk ? nil : MemoryDirectory.path
        path = (memory ?? FileManager.default.temporaryDirectory.path()) + "errand-\(UUID().uuidString)"
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The database and its WAL as they are now: what a crash at this moment leaves. Good only while nobody writes.
    func image() -> StoreImage {
        StoreImage(
            files: ["/errand.db", "/errand.db-wal"].map { name in
                (name, FileManager.default.contents(atPath: path + name) ?? Data())
            })
    }
}

struct StoreImage: Sendable {
    var files: [(name: String, data: Data)]

    func directory() throws -> TemporaryDirectory {
        let directory = TemporaryDirectory(isOnDisk: false)
        try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
        for (name, data) in files { try data.write(to: URL(filePath: directory.path + name)) }
        return directory
    }
}

/// Gives each change a number of its own, and each moment one too where steps are time enough.
final class Numbers: Sendable {
    private let last = Atomic<Int64>(0)

    var value: Int64 { last.load(ordering: .sequentiallyConsistent) }

    func next() -> Int64 { last.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue }
}
