/// Why the durable store cannot go on, in one line that says what to do.
package enum StorageFault: Error, Sendable, Equatable {
    /// The directory cannot be made, read or written.
    case directoryUnusable(path: String, operation: String, errorNumber: Int32)
    /// Another process, or another store of this one, has the directory.
    case locked(path: String, processId: Int32?)
    /// Not a store of Errand, or one of a version that this program does not know. Nothing was touched.
    case unknownFormat(path: String, found: String)
    /// The files do not hold what was written.
    case damaged(Damage)
    /// No room. Nothing of the operation was kept, and it may be tried again.
    case diskFull(operation: String)
    /// A read, write or sync failed. `code` is SQLite's extended code, or errno where SQLite was not involved.
    case inputOutput(operation: String, code: Int32, text: String)
    /// The body of a checkpoint gave up; the old state stands.
    case abandoned
    /// The committer has been stopped.
    case stopped

    package struct Damage: Sendable, Equatable {
        /// What is wrong.
        package var what: String
        /// Table and row, sequence or offset.
        package var place: String

        package init(what: String, place: String) {
            self.what = what
            self.place = place
        }
    }

    package static func damaged(_ what: String, at place: String) -> StorageFault {
        .damaged(Damage(what: what, place: place))
    }

    /// Whether the same write may be tried again on the same store.
    package var mayBeTriedAgain: Bool {
        switch self {
        case .diskFull, .abandoned: true
        default: false
        }
    }
}

extension StorageFault: CustomStringConvertible {
    package var description: String {
        switch self {
        case .directoryUnusable(let path, let operation, let errorNumber):
            "The store's directory \(path) is not usable (\(operation): \(FileDescriptor.text(of: errorNumber)));"
                + " create it or let this user write to it."
        case .locked(let path, let processId?):
            "The store \(path) is in use by process \(processId); stop that server or choose another directory."
        case .locked(let path, nil):
            "The store \(path) is in use by another process; stop it or choose another directory."
        case .unknownFormat(let path, let found):
            "\(path) is \(found), which this program does not read; nothing was changed."
                + " Use the program that wrote it or choose another directory."
        case .damaged(let damage):
            "The store is damaged at \(damage.place): \(damage.what);"
                + " keep a copy of the directory and restore a backup."
        case .diskFull(let operation):
            "The disk is full (\(operation)); free some space, the server goes on by itself."
        case .inputOutput(let operation, let code, let text):
            "The store failed to \(operation) (code \(code): \(text));"
                + " nothing after this was acknowledged. Check the disk, then restart the server."
        case .abandoned: "The checkpoint was given up; the old state stands."
        case .stopped: "The store has stopped; restart the server."
        }
    }
}
