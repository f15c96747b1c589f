// What happens to files, seen and made to fail by the tests. See storage_faults.c.
#ifndef CSTORAGEFAULTS_H
#define CSTORAGEFAULTS_H

#include <stdint.h>

enum errand_storage_call {
    ERRAND_STORAGE_WRITE = 1,
    ERRAND_STORAGE_SYNC = 2,
    ERRAND_STORAGE_TRUNCATE = 3,
};

// Told of a call before it is made: returns 0 to let it through, or the error that it is to fail with.
// `offset` is that of a write, or the new size of a truncation; `bytes` are good during the call only.
typedef int (*errand_storage_observer)(
    void *context, int call, const char *path, int64_t offset, const void *bytes, int64_t byte_count);

// Has the observer told of all calls on files below `directory`. Returns a number for `errand_storage_unobserve`, or
// -1 if too many observe already.
int errand_storage_observe(const char *directory, errand_storage_observer observer, void *context);

// Returns when no observer of that number is running any more.
void errand_storage_unobserve(int number);

#endif
