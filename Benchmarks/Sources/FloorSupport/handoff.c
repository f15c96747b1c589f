#include "floor_handoff.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "floor_support.h"

/// The fastest of many short slices counts, since whoever is preempted in one of them only makes it slower.
enum { SLICES = 40, TURNS_PER_SLICE = 1000, CPUS = 2 };

struct handoff {
    /// Even: the first CPU's turn; odd: the second's.
    _Alignas(128) atomic_uint turn;
    _Alignas(128) int cpus[CPUS];
    uint64_t fastest_slice;
};

static void pin(int cpu) {
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(cpu, &only);
    if (sched_setaffinity(0, sizeof only, &only) != 0) floor_fail("sched_setaffinity");
}

static void wait_for_turn(struct handoff *handoff, unsigned turn) {
    while (atomic_load_explicit(&handoff->turn, memory_order_acquire) != turn) {
    }
}

static void *serve_turns(void *argument) {
    struct handoff *handoff = argument;
    pin(handoff->cpus[0]);
    unsigned turn = 0;
    for (int slice = 0; slice < SLICES; slice += 1) {
        uint64_t start = floor_now_nanoseconds();
        for (int i = 0; i < TURNS_PER_SLICE; i += 1) {
            atomic_store_explicit(&handoff->turn, ++turn, memory_order_release);
            wait_for_turn(handoff, ++turn);
        }
        uint64_t slice_nanoseconds = floor_now_nanoseconds() - start;
        if (slice_nanoseconds < handoff->fastest_slice) handoff->fastest_slice = slice_nanoseconds;
    }
    return NULL;
}

static void *return_turns(void *argument) {
    struct handoff *handoff = argument;
    pin(handoff->cpus[1]);
    unsigned turn = 0;
    for (int i = 0; i < SLICES * TURNS_PER_SLICE; i += 1) {
        wait_for_turn(handoff, ++turn);
        atomic_store_explicit(&handoff->turn, ++turn, memory_order_release);
    }
    return NULL;
}

double floor_handoff_nanoseconds(void) {
    struct handoff handoff = {.fastest_slice = UINT64_MAX};
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) floor_fail("sched_getaffinity");
    int count = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE && count < CPUS; cpu += 1)
        if (CPU_ISSET(cpu, &allowed)) handoff.cpus[count++] = cpu;
    if (count < CPUS) return 0;

    // Threads of their own, as the caller's should stay free to move.
    pthread_t serving, returning;
    errno = pthread_create(&serving, NULL, serve_turns, &handoff);
    if (errno == 0) errno = pthread_create(&returning, NULL, return_turns, &handoff);
    if (errno != 0) floor_fail("pthread_create");
    pthread_join(serving, NULL);
    pthread_join(returning, NULL);
    return (double)handoff.fastest_slice / TURNS_PER_SLICE;
}
