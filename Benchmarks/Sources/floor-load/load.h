#pragma once

#include "floor_histogram.h"
#include "floor_support.h"

struct load {
    uint32_t request_bytes;
    uint32_t reply_bytes;
    uint32_t connection_count;
    uint32_t in_flight;

    int epoll;
    struct connection *connections;
    /// All requests are alike, so one prepared run of them serves every write.
    uint8_t *requests;
    uint8_t *input;

    uint64_t measure_start;
    uint64_t measure_end;
    struct floor_histogram latencies;
    struct floor_cpu_time cpu_start;
    struct floor_cpu_time cpu_end;
};

void load_connect(struct load *load, long port);

/// Warms up, measures, and leaves the results in `load`. Ends the program if the server stops answering.
void load_run(struct load *load, uint64_t warmup_nanoseconds, uint64_t measured_nanoseconds);
