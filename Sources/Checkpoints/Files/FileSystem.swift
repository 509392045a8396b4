#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#endif

/// The few questions to the file system that readers and writers here have.
package enum FileSystem {
    package enum Kind {
        case absent
        case plainFile
        case folder
        case other
    }

    /// What lies at a path; a link that is not followed is neither file nor folder.
    package static func kind(
        of path: String,
        followsLinks: Bool = true
    ) throws(CheckpointError) -> Kind {
        var status = stat()
        let result = followsLinks ? unsafe stat(path, &status) : unsafe lstat(path, &status)
        guard result == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return .absent }
            throw .system(path: path, call: "stat", code: errno)
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return .plainFile
        case S_IFDIR: return .folder
        default: return .other
        }
    }

    static func isPlainFile(_ path: String) throws(CheckpointError) -> Bool {
        try kind(of: path) == .plainFile
    }

    /// A whole file whose length is bounded before anything is read.
    package static func read(_ path: String, byteCountMax: Int) throws(CheckpointError) -> [UInt8] {
        let file = try MappedFile(path: path)
        guard file.byteCount <= byteCountMax else {
            throw .limitExceeded(
                path: path,
                item: "the file's length",
                actual: UInt64(file.byteCount),
                limit: UInt64(byteCountMax)
            )
        }
        return try file.bytes(in: 0..<file.byteCount)
    }

    /// The names in a folder but for `.` and `..`, in ascending order.
    package static func entries(of path: String) throws(CheckpointError) -> [String] {
        guard let folder = unsafe opendir(path) else {
            throw .system(path: path, call: "opendir", code: errno)
        }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(cString: $0)
                }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Makes the names in a folder last through a loss of power.
    package static func synchronizeFolder(_ path: String) throws(CheckpointError) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        guard descriptor >= 0 else { throw .system(path: path, call: "open", code: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw .system(path: path, call: "fsync", code: errno)
        }
    }

    package static func join(_ folder: String, _ name: String) -> String {
        folder.hasSuffix("/") ? folder + name : folder + "/" + name
    }

    /// The folder that holds a path; `.` for a bare name.
    package static func parent(of path: String) -> String {
        let trimmed = trimmingSlashes(path)
        guard let slash = trimmed.lastIndex(of: "/") else { return "." }
        return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
    }

    /// The last component of a path.
    static func lastComponent(of path: String) -> String {
        let trimmed = trimmingSlashes(path)
        guard let slash = trimmed.lastIndex(of: "/") else { return trimmed }
        return String(trimmed[trimmed.index(after: slash)...])
    }

    private static func trimmingSlashes(_ path: String) -> String {
        var trimmed = Substring(path)
        while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
        return String(trimmed)
    }
}
