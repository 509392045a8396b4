internal import Glibc

/// Makes the folder of a store.
enum StoreFolder {
    private static let mode: mode_t = 0o700

    /// Makes the folder and those above it where they are missing, and flushes the new names.
    static func create(_ path: String) throws(StorageError) {
        guard !path.isEmpty else { throw .missing(path: path) }
        var prefix = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            let parent = prefix.isEmpty ? "/" : prefix
            prefix += "/\(part)"
            if unsafe mkdir(prefix, mode) == 0 {
                try flush(parent)
            } else if errno != EEXIST {
                throw .from(path: path, call: "mkdir", code: errno)
            }
        }
    }

    /// Empties a data file whose creation was cut off, which LMDB would take for damage.
    ///
    /// LMDB creates the file by writing its two meta pages at once. A file that is shorter and
    /// whose first page has no committed transaction holds nothing. Called under the store's lock
    /// and before LMDB opens the file.
    static func discardTornCreation(in folder: String) throws(StorageError) {
        let path = folder + "/data.mdb"
        let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw .from(path: folder, call: "fstat", code: errno)
        }
        let metaByteCount = 2 * sysconf(Int32(_SC_PAGESIZE))
        guard status.st_size > 0, status.st_size < metaByteCount else { return }
        var bytes = [UInt8](repeating: 0, count: transactionIDRange.upperBound)
        let count = unsafe bytes.withUnsafeMutableBytes {
            unsafe pread(descriptor, $0.baseAddress, $0.count, 0)
        }
        guard count >= 0, bytes[transactionIDRange].allSatisfy({ $0 == 0 }) else { return }
        guard ftruncate(descriptor, 0) == 0 else {
            throw .from(path: folder, call: "ftruncate", code: errno)
        }
    }

    /// Where LMDB 0.9 keeps the transaction number in the first meta page of a 64-bit system:
    /// behind the page head (16), magic and version (8), address and map size (16), two tables
    /// (96) and the last page (8).
    private static let transactionIDRange = 144..<152

    /// Flushes the names in a folder, without which a new file can vanish in a power cut.
    private static func flush(_ folder: String) throws(StorageError) {
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .from(path: folder, call: "open", code: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw .from(path: folder, call: "fsync", code: errno)
        }
    }
}
