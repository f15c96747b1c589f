// Small, repeatable pieces of work for counting instructions and allocations: `errand-micro CASE COUNT` does the piece
// COUNT times. `.ci/check-counts` runs it with two counts, so that what starting costs cancels out.

import Glibc

let arguments = CommandLine.arguments
guard arguments.count == 3, let count = Int(arguments[2]), count >= 0 else {
    if arguments.count == 2, arguments[1] == "list" {
        print(microCases.map(\.name).joined(separator: "\n"))
        exit(0)
    }
    print("usage: errand-micro list | errand-micro CASE COUNT")
    exit(2)
}
guard let chosen = microCases.first(where: { $0.name == arguments[1] }) else {
    print("no case \(arguments[1])")
    exit(2)
}
nonisolated(unsafe) var planted: UnsafeMutableRawPointer?

do {
    // Whoever counts may plant an allocation for each turn, to see that it is found.
    let plants = getenv("ERRAND_MICRO_PLANT") != nil
    let work = try chosen.prepare()
    for index in 0..<count {
        try work(index)
        if plants { plantAllocation() }
    }
} catch {
    print("\(chosen.name): \(error)")
    exit(1)
}

func plantAllocation() {
    // Put where others can see it, or the compiler leaves the allocation out.
    planted = malloc(64)
    free(planted)
}
