internal import CLMDB
internal import Glibc

/// Why the store could not do what it was told.
///
/// `path` is the store's folder, `call` the C function that failed, `code` what it returned.
public enum StorageError: Error, Hashable, Sendable {
    /// The disk or the quota is full; what was written before is whole.
    case diskFull(path: String, call: String, code: Int32)
    /// The folder or a file in it may not be written, or lies on a read-only file system.
    case notWritable(path: String, call: String, code: Int32)
    /// There is no store in the folder.
    case missing(path: String)
    /// Another process writes this store; its id where it left one.
    case inUse(path: String, processID: Int32?)
    /// This process has the store open already.
    case alreadyOpen(path: String)
    /// The store was opened for reading only.
    case openedReadOnly(path: String)
    /// The data file is damaged.
    case corrupt(path: String, call: String, code: Int32)
    /// The data file was written by another version of LMDB.
    case versionMismatch(path: String)
    /// The store's tables have a layout that this program does not know.
    case formatUnknown(path: String, found: UInt32, supported: UInt32)
    /// The store outgrew its memory map, which can't grow: at the limit, or in use.
    case mapFull(path: String, byteCount: Int, activeTransactionCount: Int)
    /// The process has no address space for a map of this size.
    case addressSpaceExhausted(path: String, byteCount: Int)
    /// Too many read transactions are open.
    case readersFull(path: String)
    /// One transaction wrote more than LMDB can keep in memory.
    case transactionTooLarge(path: String)
    /// A write failed in a way after which LMDB wants the store to be opened anew.
    case mustReopen(path: String)
    /// A key or value has a length that its table does not take.
    case length(table: String, byteCount: Int, expected: ClosedRange<Int>)
    /// A key is in a table already, and its value may not change.
    case exists(table: String, key: [UInt8])
    /// Stored bytes are not what their table holds.
    case malformedRecord(table: String, key: [UInt8])
    /// The log's leaves and its stored frontier have different sizes.
    case logInconsistent(frontierSize: UInt64?, leafCount: UInt64)
    /// Any other failure of a C function.
    case failed(path: String, call: String, code: Int32)

    /// Sorts a code that a C function returned.
    package static func from(path: String, call: String, code: Int32) -> StorageError {
        switch code {
        case ENOSPC, EDQUOT, EFBIG: .diskFull(path: path, call: call, code: code)
        case EACCES, EPERM, EROFS: .notWritable(path: path, call: call, code: code)
        case ENOENT, ENOTDIR: .missing(path: path)
        case MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_INVALID:
            .corrupt(path: path, call: call, code: code)
        case MDB_VERSION_MISMATCH: .versionMismatch(path: path)
        case MDB_MAP_FULL: .mapFull(path: path, byteCount: 0, activeTransactionCount: 0)
        case MDB_READERS_FULL: .readersFull(path: path)
        case MDB_TXN_FULL: .transactionTooLarge(path: path)
        case MDB_PANIC: .mustReopen(path: path)
        default: .failed(path: path, call: call, code: code)
        }
    }

    /// Throws unless the code is 0.
    static func check(_ code: Int32, path: String, call: String) throws(StorageError) {
        guard code == 0 else { throw from(path: path, call: call, code: code) }
    }
}
