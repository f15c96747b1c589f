// Loaded with LD_PRELOAD, counts the heap allocations of a whole process in a file that others can read meanwhile.
//
// `ERRAND_COUNTS` names the file; without it nothing is counted. Its first 8 bytes, a little-endian number, are how many
// times malloc, calloc, realloc, aligned_alloc, memalign and posix_memalign were called.
// Compiled by whoever needs it: cc -O2 -shared -fPIC.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

// glibc's own entry points: found by the linker, so that nothing here has to allocate before it can count.
extern void *__libc_malloc(size_t byte_count);
extern void *__libc_calloc(size_t count, size_t byte_count);
extern void *__libc_realloc(void *bytes, size_t byte_count);
extern void *__libc_memalign(size_t alignment, size_t byte_count);

static _Atomic uint64_t nobody_reads;
static _Atomic(_Atomic uint64_t *) counter = &nobody_reads;

static void count(void) {
    _Atomic uint64_t *now = atomic_load_explicit(&counter, memory_order_relaxed);
    atomic_fetch_add_explicit(now, 1, memory_order_relaxed);
}

__attribute__((constructor)) static void map_counter(void) {
    const char *path = getenv("ERRAND_COUNTS");
    if (path == NULL) return;
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0 || ftruncate(descriptor, 4096) != 0) abort();
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (page == MAP_FAILED) abort();
    close(descriptor);
    atomic_store(&counter, (_Atomic uint64_t *)page);
}

void *malloc(size_t byte_count) {
    count();
    return __libc_malloc(byte_count);
}

void *calloc(size_t element_count, size_t byte_count) {
    count();
    return __libc_calloc(element_count, byte_count);
}

void *realloc(void *bytes, size_t byte_count) {
    count();
    return __libc_realloc(bytes, byte_count);
}

void *memalign(size_t alignment, size_t byte_count) {
    count();
    return __libc_memalign(alignment, byte_count);
}

void *aligned_alloc(size_t alignment, size_t byte_count) {
    count();
    return __libc_memalign(alignment, byte_count);
}

int posix_memalign(void **result, size_t alignment, size_t byte_count) {
    count();
    void *bytes = __libc_memalign(alignment, byte_count);
    if (bytes == NULL) return ENOMEM;
    *result = bytes;
    return 0;
}
