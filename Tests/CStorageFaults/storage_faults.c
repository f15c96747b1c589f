// Stands between a program and libc's calls that change files, so that tests can make any of them fail.
//
// It is used in two ways. Linked into the test bundle, it tells observers, which tests register for their own
// directories. Compiled by itself and preloaded (LD_PRELOAD) into the real `errand serve`, it is told by the environment:
//   ERRAND_FAULT_DIRECTORY  only files below it count
//   ERRAND_FAULT_INDEX      which of the calls fails, the first one being 1; 0 for none
//   ERRAND_FAULT_ERRNO      with which error
//   ERRAND_FAULT_KIND       "sync" if only syncs count and fail
//   ERRAND_FAULT_REPORT     a file that gets a line for the call that failed, and for each sync of that file that follows
//   ERRAND_FAULT_DELAY_MS   how long each sync takes besides
// A directory that nobody watches costs one load of an atomic.
#define _GNU_SOURCE
#include "CStorageFaults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define OBSERVER_COUNT 64
#define PATH_BYTE_COUNT 512

static struct {
    char directory[PATH_BYTE_COUNT];
    errand_storage_observer observer;
    void *context;
    int running;
} observers[OBSERVER_COUNT];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
static atomic_int observer_count;

int errand_storage_observe(const char *directory, errand_storage_observer observer, void *context) {
    int number = -1;
    pthread_mutex_lock(&lock);
    for (int index = 0; index < OBSERVER_COUNT && number < 0; index++) {
        if (observers[index].observer) continue;
        snprintf(observers[index].directory, PATH_BYTE_COUNT, "%s/", directory);
        observers[index].observer = observer;
        observers[index].context = context;
        number = index;
        atomic_fetch_add(&observer_count, 1);
    }
    pthread_mutex_unlock(&lock);
    return number;
}

void errand_storage_unobserve(int number) {
    pthread_mutex_lock(&lock);
    while (observers[number].running > 0) pthread_cond_wait(&ended, &lock);
    observers[number].observer = NULL;
    atomic_fetch_sub(&observer_count, 1);
    pthread_mutex_unlock(&lock);
}

// Which error the call is to fail with; 0 for none.
static int verdict(int call, int descriptor, int64_t offset, const void *bytes, int64_t byte_count) {
    if (atomic_load(&observer_count) == 0) return 0;
    char link[64], path[PATH_BYTE_COUNT];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    int error = 0;
    for (int index = 0; index < OBSERVER_COUNT; index++) {
        pthread_mutex_lock(&lock);
        errand_storage_observer observer = observers[index].observer;
        int is_for =
            observer && strncmp(path, observers[index].directory, strlen(observers[index].directory)) == 0;
        if (is_for) observers[index].running++;
        void *context = observers[index].context;
        pthread_mutex_unlock(&lock);
        if (!is_for) continue;
        // Without the lock: an observer may hold the call for as long as it likes.
        int found = observer(context, call, path, offset, bytes, byte_count);
        if (found) error = found;
        pthread_mutex_lock(&lock);
        observers[index].running--;
        pthread_cond_broadcast(&ended);
        pthread_mutex_unlock(&lock);
    }
    return error;
}

// The calls themselves, by their number, so that nothing has to be looked up.
#define JUDGED(call, descriptor, offset, bytes, count)                     \
    do {                                                                   \
        int error = verdict(call, descriptor, offset, bytes, count);       \
        if (error) {                                                       \
            errno = error;                                                 \
            return -1;                                                     \
        }                                                                  \
    } while (0)

ssize_t write(int descriptor, const void *bytes, size_t count) {
    JUDGED(ERRAND_STORAGE_WRITE, descriptor, -1, bytes, (int64_t)count);
    return syscall(SYS_write, descriptor, bytes, count);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
    JUDGED(ERRAND_STORAGE_WRITE, descriptor, offset, bytes, (int64_t)count);
    return syscall(SYS_pwrite64, descriptor, bytes, count, offset);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
    return pwrite64(descriptor, bytes, count, offset);
}

int fsync(int descriptor) {
    JUDGED(ERRAND_STORAGE_SYNC, descriptor, 0, NULL, 0);
    return (int)syscall(SYS_fsync, descriptor);
}

int fdatasync(int descriptor) {
    JUDGED(ERRAND_STORAGE_SYNC, descriptor, 0, NULL, 0);
    return (int)syscall(SYS_fdatasync, descriptor);
}

int ftruncate64(int descriptor, off64_t size) {
    JUDGED(ERRAND_STORAGE_TRUNCATE, descriptor, size, NULL, 0);
    return (int)syscall(SYS_ftruncate, descriptor, size);
}

int ftruncate(int descriptor, off_t size) { return ftruncate64(descriptor, size); }

// What the environment asks for.

static struct {
    long index;
    int error;
    int is_sync_only;
    long delay;
    const char *report;
    char failed_path[PATH_BYTE_COUNT];
    atomic_long count;
} plan;

static void report(const char *what, int call, const char *path) {
    static const char *const names[] = {"", "write", "sync", "truncate"};
    if (!plan.report) return;
    char line[PATH_BYTE_COUNT + 64];
    int length = snprintf(line, sizeof line, "%s %s %s\n", what, names[call], path);
    int descriptor = open(plan.report, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (descriptor < 0) return;
    syscall(SYS_write, descriptor, line, (size_t)length);
    close(descriptor);
}

static int follow_plan(
    void *context, int call, const char *path, int64_t offset, const void *bytes, int64_t byte_count) {
    (void)context, (void)offset, (void)bytes, (void)byte_count;
    if (plan.failed_path[0] && strcmp(path, plan.failed_path) == 0) report("again", call, path);
    if (call == ERRAND_STORAGE_SYNC && plan.delay > 0) {
        struct timespec time = {plan.delay / 1000, plan.delay % 1000 * 1000000};
        nanosleep(&time, NULL);
    }
    if (plan.is_sync_only && call != ERRAND_STORAGE_SYNC) return 0;
    if (atomic_fetch_add(&plan.count, 1) + 1 != plan.index) return 0;
    report("failed", call, path);
    snprintf(plan.failed_path, PATH_BYTE_COUNT, "%s", path);
    return plan.error;
}

static long number(const char *name) {
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}

__attribute__((constructor)) static void read_environment(void) {
    const char *directory = getenv("ERRAND_FAULT_DIRECTORY");
    if (!directory) return;
    const char *kind = getenv("ERRAND_FAULT_KIND");
    plan.index = number("ERRAND_FAULT_INDEX");
    plan.error = (int)number("ERRAND_FAULT_ERRNO");
    plan.delay = number("ERRAND_FAULT_DELAY_MS");
    plan.is_sync_only = kind && strcmp(kind, "sync") == 0;
    plan.report = getenv("ERRAND_FAULT_REPORT");
    errand_storage_observe(directory, follow_plan, NULL);
}
