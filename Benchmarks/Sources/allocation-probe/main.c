/// Allocates as often as told: what a counter of allocations has to find.

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    long count = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
    for (long i = 0; i < count; i += 1) {
        // Volatile, or the compiler leaves out what nobody looks at.
        char *volatile bytes = malloc(32);
        bytes[0] = 1;
        free(bytes);
    }
    return 0;
}
