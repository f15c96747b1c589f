/// The floor of every durable write: appends groups of bytes to a file, each followed by one fdatasync, and nothing else.
/// `append-floor FILE --group-bytes B --group-calls C --seconds S`; prints one JSON object, its latencies are those of a group.

#include "floor_histogram.h"
#include "floor_support.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void append_group(int descriptor, const uint8_t *bytes, size_t count) {
    while (count > 0) {
        ssize_t written = write(descriptor, bytes, count);
        if (written < 0) floor_fail("write");
        bytes += written;
        count -= (size_t)written;
    }
    if (fdatasync(descriptor) != 0) floor_fail("fdatasync");
}

int main(int argc, char **argv) {
    floor_refuse_debug_build();
    long group_bytes = 512, group_calls = 1, seconds = 3;
    const struct floor_option options[] = {
        {"group-bytes", &group_bytes, 1, 64 * 1024 * 1024},
        {"group-calls", &group_calls, 1, 1000000},
        {"seconds", &seconds, 1, 600},
    };
    if (argc < 2) {
        fprintf(stderr, "usage: append-floor FILE [--group-bytes N] [--group-calls N] [--seconds N]\n");
        return 2;
    }
    floor_parse_options(argc - 1, argv + 1, options, sizeof options / sizeof options[0]);
    int descriptor = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (descriptor < 0) floor_fail(argv[1]);

    uint8_t *bytes = floor_allocate((size_t)group_bytes);
    memset(bytes, 'x', (size_t)group_bytes);
    static struct floor_histogram latencies;
    append_group(descriptor, bytes, (size_t)group_bytes);
    uint64_t start = floor_now_nanoseconds(), now = start, end = start + (uint64_t)seconds * 1000000000ULL;
    while (now < end) {
        append_group(descriptor, bytes, (size_t)group_bytes);
        uint64_t synced = floor_now_nanoseconds();
        floor_histogram_record(&latencies, synced - now);
        now = synced;
    }
    close(descriptor);
    unlink(argv[1]);

    double elapsed = (double)(now - start) / 1e9, calls = (double)latencies.total * (double)group_calls;
    printf("{\"calls\":%.0f,\"seconds\":%.6f,\"callsPerSecond\":%.1f,", calls, elapsed, calls / elapsed);
    printf("\"p50Microseconds\":%.2f,\"p99Microseconds\":%.2f,",
           (double)floor_histogram_quantile(&latencies, 0.5) / 1e3,
           (double)floor_histogram_quantile(&latencies, 0.99) / 1e3);
    floor_histogram_print_percentiles(&latencies, stdout);
    printf(",\"requestBytes\":%ld,\"replyBytes\":0,\"connections\":1,\"inFlight\":%ld}\n", group_bytes / group_calls,
           group_calls);
    return 0;
}
