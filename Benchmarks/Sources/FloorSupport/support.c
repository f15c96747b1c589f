#include "floor_support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

_Noreturn void floor_fail(const char *what) {
    int error = errno;
    fprintf(stderr, "floor: %s: %s\n", what, strerror(error));
    exit(1);
}

void floor_refuse_debug_build(void) {
#ifndef __OPTIMIZE__
    fprintf(stderr, "floor: this is a debug build; build with `swift build -c release`\n");
    exit(2);
#endif
}

static _Noreturn void usage(const char *program, const struct floor_option *options, size_t count) {
    fprintf(stderr, "usage: %s", program);
    for (size_t i = 0; i < count; i += 1)
        fprintf(stderr, " [--%s %ld...%ld]", options[i].name, options[i].min, options[i].max);
    fprintf(stderr, "\n");
    exit(2);
}

void floor_parse_options(int argc, char **argv, const struct floor_option *options, size_t count) {
    for (int at = 1; at < argc; at += 2) {
        const struct floor_option *option = NULL;
        for (size_t i = 0; i < count; i += 1)
            if (strncmp(argv[at], "--", 2) == 0 && strcmp(argv[at] + 2, options[i].name) == 0) option = &options[i];
        if (option == NULL || at + 1 >= argc) usage(argv[0], options, count);

        char *end = NULL;
        errno = 0;
        long value = strtol(argv[at + 1], &end, 10);
        if (errno != 0 || end == argv[at + 1] || *end != 0 || value < option->min || value > option->max)
            usage(argv[0], options, count);
        *option->value = value;
    }
}

uint64_t floor_now_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static double seconds(struct timeval time) {
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

struct floor_cpu_time floor_own_cpu_time(void) {
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) floor_fail("getrusage");
    return (struct floor_cpu_time){seconds(usage.ru_utime), seconds(usage.ru_stime)};
}

void *floor_allocate(size_t byte_count) {
    void *bytes = calloc(1, byte_count);
    if (bytes == NULL) floor_fail("calloc");
    return bytes;
}

void floor_fill_messages(uint8_t *bytes, size_t count, uint32_t byte_count) {
    memset(bytes, 'x', count * byte_count);
    for (size_t i = 0; i < count; i += 1)
        for (uint32_t byte = 0; byte < FLOOR_LENGTH_BYTES; byte += 1)
            bytes[i * byte_count + byte] = (uint8_t)(byte_count >> (8 * byte));
}
