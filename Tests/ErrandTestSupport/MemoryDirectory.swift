internal import Glibc

/// The directory whose files are in memory, where there is room for those of a test: a container may have 64 MB of it.
package enum MemoryDirectory {
    /// With a slash at its end; nothing if there is none.
    package static var path: String? {
        let path = "/dev/shm/"
        var facts = statvfs()
        guard access(path, W_OK) == 0, statvfs(path, &facts) == 0, facts.f_bavail &* facts.f_frsize >= 1 << 29 else {
            return nil
        }
        return path
    }
}
