#include "floor_histogram.h"

#include <string.h>

void floor_histogram_reset(struct floor_histogram *histogram) {
    memset(histogram, 0, sizeof *histogram);
}

static uint64_t bucket_middle(uint32_t bucket) {
    if (bucket < FLOOR_HISTOGRAM_STEPS) return bucket;
    uint32_t shift = bucket / FLOOR_HISTOGRAM_STEPS - 1;
    uint64_t step = FLOOR_HISTOGRAM_STEPS + bucket % FLOOR_HISTOGRAM_STEPS;
    return (step << shift) + ((1ULL << shift) >> 1);
}

uint64_t floor_histogram_quantile(const struct floor_histogram *histogram, double fraction) {
    if (histogram->total == 0) return 0;
    uint64_t rank = (uint64_t)(fraction * (double)histogram->total);
    if (rank >= histogram->total) rank = histogram->total - 1;
    uint64_t seen = 0;
    for (uint32_t bucket = 0; bucket < FLOOR_HISTOGRAM_BUCKETS; bucket += 1) {
        seen += histogram->counts[bucket];
        if (seen > rank) return bucket_middle(bucket);
    }
    return 0;
}
