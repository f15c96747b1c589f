// What both sides know.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace fleet {

constexpr uint32_t kThingCount = 100000;
inline const char kJobId[] = "bench-3735928559";

inline std::string ThingName(uint32_t index) { return "press-line-" + std::to_string(1000000 + index); }

// The value of `--name VALUE`, or what is given as standard.
inline long Option(int argc, char** argv, const std::string& name, long standard) {
    for (int i = 1; i + 1 < argc; i += 2)
        if (argv[i] == "--" + name) return std::strtol(argv[i + 1], nullptr, 10);
    return standard;
}

inline uint64_t NowNanoseconds() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

}  // namespace fleet
