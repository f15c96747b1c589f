/// A log-linear histogram of nanoseconds: 64 steps per power of two, so a quantile is off by at most 1/64.
#pragma once

#include <stdint.h>
#include <stdio.h>

enum {
    FLOOR_HISTOGRAM_STEP_BITS = 6,
    FLOOR_HISTOGRAM_STEPS = 1 << FLOOR_HISTOGRAM_STEP_BITS,
    FLOOR_HISTOGRAM_BUCKETS = (64 - FLOOR_HISTOGRAM_STEP_BITS + 1) * FLOOR_HISTOGRAM_STEPS,
};

struct floor_histogram {
    uint64_t total;
    uint64_t counts[FLOOR_HISTOGRAM_BUCKETS];
};

void floor_histogram_reset(struct floor_histogram *histogram);

/// The middle of the bucket that holds the value below which `fraction` of all values lie; 0 if there are none.
uint64_t floor_histogram_quantile(const struct floor_histogram *histogram, double fraction);

/// What stands for every value of a bucket.
uint64_t floor_histogram_bucket_middle(uint32_t bucket);

/// `"percentiles":[[percent,microseconds],…]`, as every load generator of this package prints it.
void floor_histogram_print_percentiles(const struct floor_histogram *histogram, FILE *file);

/// Values below one full set of steps have a bucket each; above, the top bits below the leading one choose the step.
static inline uint32_t floor_histogram_bucket(uint64_t value) {
    if (value < FLOOR_HISTOGRAM_STEPS) return (uint32_t)value;
    uint32_t exponent = 63 - (uint32_t)__builtin_clzll(value);
    uint32_t shift = exponent - FLOOR_HISTOGRAM_STEP_BITS;
    uint32_t step = (uint32_t)(value >> shift) & (FLOOR_HISTOGRAM_STEPS - 1);
    return (shift + 1) * FLOOR_HISTOGRAM_STEPS + step;
}

static inline void floor_histogram_record(struct floor_histogram *histogram, uint64_t value) {
    histogram->counts[floor_histogram_bucket(value)] += 1;
    histogram->total += 1;
}
