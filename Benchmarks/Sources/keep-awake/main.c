/// Keeps every CPU from halting. On a virtual machine, waking a halted CPU costs 100 µs and more and would drown what is
/// measured. Ends after `--seconds`, or when its stdin closes (its starter is gone or done).
///
/// Where the kernel can be asked for it, idle CPUs poll (/dev/cpu_dma_latency). Elsewhere there is one busy thread per CPU at
/// SCHED_IDLE, which yields to everything else, but is no idleness to the scheduler: a CPU that only runs it does not look
/// for work that waits behind another CPU, and latencies of several runnable threads grow by milliseconds.

#include "floor_support.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void *spin(void *argument) {
    long cpu = (long)argument;
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET((int)cpu, &only);
    if (sched_setaffinity(0, sizeof only, &only) != 0) floor_fail("sched_setaffinity");
    struct sched_param parameters = {.sched_priority = 0};
    if (sched_setscheduler(0, SCHED_IDLE, &parameters) != 0) floor_fail("SCHED_IDLE");
    // No pause instruction: hypervisors may take it as leave to run someone else, which is what must not happen.
    for (volatile unsigned long turns = 0;; turns += 1) {
    }
    return NULL;
}

/// Whether the shallowest idle state is one that polls.
static int idle_can_poll(void) {
    FILE *file = fopen("/sys/devices/system/cpu/cpu0/cpuidle/state0/name", "re");
    if (file == NULL) return 0;
    char name[16] = "";
    int found = fgets(name, sizeof name, file) != NULL && strcmp(name, "POLL\n") == 0;
    fclose(file);
    return found;
}

/// Asks for no latency at all when a CPU wakes up, which holds while the file is open. Returns whether it was granted.
static int ask_for_polling(void) {
    if (!idle_can_poll()) return 0;
    int file = open("/dev/cpu_dma_latency", O_WRONLY | O_CLOEXEC);
    if (file < 0) return 0;
    int32_t microseconds = 0;
    return write(file, &microseconds, sizeof microseconds) == sizeof microseconds;
}

static void wait_until_closed(uint64_t deadline) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    for (;;) {
        uint64_t now = floor_now_nanoseconds();
        if (now >= deadline) return;
        int ready = poll(&input, 1, (int)((deadline - now) / 1000000) + 1);
        if (ready < 0 && errno != EINTR) floor_fail("poll");
        char ignored[256];
        if (ready > 0 && read(STDIN_FILENO, ignored, sizeof ignored) <= 0) return;
    }
}

/// Returns how many CPUs have a loop.
static int start_loops(void) {
    // Nice as well, only so that /proc/stat counts these turns in its own column and not as somebody's work.
    if (setpriority(PRIO_PROCESS, 0, 19) != 0) floor_fail("setpriority");
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) floor_fail("sched_getaffinity");
    int count = 0;
    for (long cpu = 0; cpu < CPU_SETSIZE; cpu += 1) {
        if (!CPU_ISSET((int)cpu, &allowed)) continue;
        pthread_t thread;
        errno = pthread_create(&thread, NULL, spin, (void *)cpu);
        if (errno != 0) floor_fail("pthread_create");
        count += 1;
    }
    return count;
}

int main(int argc, char **argv) {
    long seconds = 60;
    const struct floor_option options[] = {{"seconds", &seconds, 1, 3600}};
    floor_parse_options(argc, argv, options, 1);
    uint64_t deadline = floor_now_nanoseconds() + (uint64_t)seconds * 1000000000ULL;
    if (ask_for_polling()) {
        printf("keep-awake: by polling when idle\n");
    } else {
        printf("keep-awake: by a SCHED_IDLE loop on each of %d CPUs\n", start_loops());
    }
    fflush(stdout);
    wait_until_closed(deadline);
    return 0;  // Ends the threads with the process.
}
