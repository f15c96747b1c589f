// Swift has no word for this instruction.
#pragma once

/// Asks for the memory at `address` to be brought near. Only a hint: it reads nothing, and no address can make it fail.
static inline void errand_prefetch(const void *address) { __builtin_prefetch(address); }
