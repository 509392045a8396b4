internal import Glibc
internal import Synchronization

/// Keeps a second process from writing a store, and this process from opening one twice.
///
/// LMDB allows neither two opens in one process ("not even from a plain open() call") nor would
/// two nodes on one state make sense. The kernel frees the lock when the process ends in any way.
final class StoreLock: Sendable {
    private struct FileID: Hashable {
        let device: UInt64
        let node: UInt64
    }

    private static let openStores = Mutex<Set<FileID>>([])
    private static let fileName = "store.lock"

    private let fileID: FileID
    private let descriptor: Int32?

    /// Takes the folder for this process, and for writing the lock file in it.
    init(folder: String, access: StorageAccess) throws(StorageError) {
        var status = stat()
        guard unsafe stat(folder, &status) == 0 else {
            throw .from(path: folder, call: "stat", code: errno)
        }
        let id = FileID(device: UInt64(status.st_dev), node: UInt64(status.st_ino))
        guard Self.openStores.withLock({ $0.insert(id).inserted }) else {
            throw .alreadyOpen(path: folder)
        }
        do {
            descriptor = access == .readWrite ? try Self.takeLock(in: folder) : nil
        } catch {
            _ = Self.openStores.withLock { $0.remove(id) }
            throw error
        }
        fileID = id
    }

    deinit {
        if let descriptor {
            Self.release(descriptor)
        }
        _ = Self.openStores.withLock { [fileID] in $0.remove(fileID) }
    }

    private static func takeLock(in folder: String) throws(StorageError) -> Int32 {
        let file = folder + "/" + fileName
        let descriptor = unsafe open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .from(path: folder, call: "open", code: errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            let owner = processID(in: descriptor)
            close(descriptor)
            throw code == EWOULDBLOCK
                ? .inUse(path: folder, processID: owner)
                : .from(path: folder, call: "flock", code: code)
        }
        // The id only helps a person who finds the store in use: without it the lock still holds.
        let text = Array("\(getpid())\n".utf8)
        if ftruncate(descriptor, 0) == 0 {
            _ = unsafe text.withUnsafeBytes {
                unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0)
            }
        }
        return descriptor
    }

    /// Frees the lock and closes its file.
    ///
    /// Closing alone would leave the lock to a child process for the moment between its fork and
    /// its exec, while it has a copy of the descriptor.
    private static func release(_ descriptor: Int32) {
        _ = flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// Lengthens a data file that no process writes.
    ///
    /// Where one does, it has done so itself, and what is missing now is what it has yet to write.
    static func extendUnlessInUse(
        file: String, byteCount: Int, folder: String
    ) throws(StorageError) {
        let descriptor: Int32
        do {
            descriptor = try takeLock(in: folder)
        } catch .inUse {
            return
        } catch {
            throw error
        }
        defer { release(descriptor) }
        guard unsafe truncate(file, byteCount) == 0 else {
            throw .from(path: folder, call: "truncate", code: errno)
        }
    }

    private static func processID(in descriptor: Int32) -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = unsafe bytes.withUnsafeMutableBytes {
            unsafe pread(descriptor, $0.baseAddress, $0.count, 0)
        }
        let digits = bytes.prefix(max(0, count)).prefix { $0 != 0x0A }
        return Int32(String(decoding: digits, as: UTF8.self))
    }
}
