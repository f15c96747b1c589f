#pragma once

/// Nanoseconds for a cache line to go from the first allowed CPU to the second and back; 0 if there is only one CPU.
///
/// A virtual machine's CPUs may lie on neighbouring cores at one moment and far apart at the next, as its host moves them. Neither
/// steal nor the process table shows it, a loop on one CPU does not feel it, and it changes a server's rate by a factor of two.
double floor_handoff_nanoseconds(void);
