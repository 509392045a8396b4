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
