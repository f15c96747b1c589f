/// What the floor's programs share: options, loopback sockets, a clock, CPU time.
/// Failures of set-up end the program with a message: a benchmark that limps measures nothing.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    FLOOR_READ_BYTES = 256 * 1024,
    FLOOR_LENGTH_BYTES = 4,
    /// The least and the most a request or a reply may have, its length prefix included.
    FLOOR_MESSAGE_BYTES_MIN = 16,
    FLOOR_MESSAGE_BYTES_MAX = 16 * 1024,
};

/// One `--name VALUE`. `*value` holds the default before and the given value after parsing.
struct floor_option {
    const char *name;
    long *value;
    long min;
    long max;
};

struct floor_cpu_time {
    double user_seconds;
    double system_seconds;
};

/// Ends the program with status 2 and the usage on anything unknown or out of range.
void floor_parse_options(int argc, char **argv, const struct floor_option *options, size_t count);

/// Prints `what` and errno, then exits with status 1.
_Noreturn void floor_fail(const char *what);

/// Exits unless the compiler optimised: figures of a debug build would only mislead.
void floor_refuse_debug_build(void);

/// A non-blocking listener on 127.0.0.1. `port` 0 takes a free one; `*bound_port` says which.
int floor_listen(long port, int *bound_port);

/// A connected non-blocking socket without Nagle's delay.
int floor_connect(long port);

/// Sets TCP_NODELAY: batches are formed by the program, the kernel should not wait for more.
void floor_disable_delay(int descriptor);

uint64_t floor_now_nanoseconds(void);
struct floor_cpu_time floor_own_cpu_time(void);
void *floor_allocate(size_t byte_count);

/// Byte by byte, so that it is little-endian on every host; compilers make one load of it.
static inline uint32_t floor_load_length(const uint8_t *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/// Fills `count` messages of `byte_count` bytes, each with its length prefix.
void floor_fill_messages(uint8_t *bytes, size_t count, uint32_t byte_count);
