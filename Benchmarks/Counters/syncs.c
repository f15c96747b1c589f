// Loaded with LD_PRELOAD, counts what a process writes to files and how often it waits for the disk.
//
// `ERRAND_COUNTS` names a file of three little-endian numbers of 8 bytes: calls of fsync and fdatasync, bytes written with
// pwrite, calls of pwrite. What writes files otherwise is not seen, so a count of 0 proves nothing.
// Compiled by whoever needs it: cc -O2 -shared -fPIC.

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { SYNCS, WRITTEN_BYTES, WRITES, COUNTERS };

static _Atomic uint64_t nobody_reads[COUNTERS];
static _Atomic uint64_t *counters = nobody_reads;

__attribute__((constructor)) static void map_counters(void) {
    const char *path = getenv("ERRAND_COUNTS");
    if (path == NULL) return;
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0 || ftruncate(descriptor, 4096) != 0) abort();
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (page == MAP_FAILED) abort();
    close(descriptor);
    counters = page;
}

static ssize_t wrote(ssize_t byte_count) {
    if (byte_count > 0) atomic_fetch_add_explicit(&counters[WRITTEN_BYTES], (uint64_t)byte_count, memory_order_relaxed);
    atomic_fetch_add_explicit(&counters[WRITES], 1, memory_order_relaxed);
    return byte_count;
}

int fsync(int descriptor) {
    atomic_fetch_add_explicit(&counters[SYNCS], 1, memory_order_relaxed);
    return (int)syscall(SYS_fsync, descriptor);
}

int fdatasync(int descriptor) {
    atomic_fetch_add_explicit(&counters[SYNCS], 1, memory_order_relaxed);
    return (int)syscall(SYS_fdatasync, descriptor);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t byte_count, off_t offset) {
    return wrote(syscall(SYS_pwrite64, descriptor, bytes, byte_count, offset));
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t byte_count, off64_t offset) {
    return wrote(syscall(SYS_pwrite64, descriptor, bytes, byte_count, offset));
}
