internal import CLMDB

/// What a person can do about a ``StorageError``; the command line makes the text.
public enum StorageRepair: String, Hashable, Sendable, CaseIterable {
    /// Free disk space or raise the quota, then start again: nothing that was committed is lost.
    case freeDiskSpace
    /// Make the folder writable for this user.
    case makeWritable
    /// Make a store first, or name the right folder.
    case createStore
    /// Stop the other process, or use another folder.
    case stopOtherProcess
    /// Move the damaged folder away and let the node fetch its state from its peers.
    case restore
    /// Use the version of the program that wrote the store.
    case updateProgram
    /// Raise the limit of address space (`ulimit -v`) or free what reads the store.
    case raiseAddressSpace
    /// Start the program again.
    case restart
    /// Report it: the program used its store wrongly.
    case reportBug
}

extension StorageError {
    /// What a person can do about it.
    public var repair: StorageRepair {
        switch self {
        case .diskFull: .freeDiskSpace
        case .notWritable: .makeWritable
        case .missing: .createStore
        case .inUse: .stopOtherProcess
        case .corrupt, .malformedRecord, .logInconsistent: .restore
        case .versionMismatch, .formatUnknown: .updateProgram
        case .mapFull, .addressSpaceExhausted: .raiseAddressSpace
        case .mustReopen, .readersFull, .failed: .restart
        case .alreadyOpen, .openedReadOnly, .transactionTooLarge, .length, .exists: .reportBug
        }
    }

    /// LMDB's or the system's words for the code that the error carries; nil if it has none.
    public var libraryMessage: String? {
        switch self {
        case .diskFull(_, _, let code), .notWritable(_, _, let code), .corrupt(_, _, let code),
            .failed(_, _, let code):
            guard let text = unsafe mdb_strerror(code) else { return nil }
            return unsafe String(cString: text)
        default:
            return nil
        }
    }
}
