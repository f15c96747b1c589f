#include "floor_histogram.h"

#include <string.h>

void floor_histogram_reset(struct floor_histogram *histogram) {
    memset(histogram, 0, sizeof *histogram);
}

uint64_t floor_histogram_bucket_middle(uint32_t bucket) {
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
        if (seen > rank) return floor_histogram_bucket_middle(bucket);
    }
    return 0;
}

void floor_histogram_print_percentiles(const struct floor_histogram *histogram, FILE *file) {
    static const double percents[] = {0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.99, 100};
    fputs("\"percentiles\":[", file);
    for (size_t i = 0; i < sizeof percents / sizeof percents[0]; i += 1)
        fprintf(file, "%s[%g,%.3f]", i == 0 ? "" : ",", percents[i],
                (double)floor_histogram_quantile(histogram, percents[i] / 100) / 1e3);
    fputs("]", file);
}
