internal import Tensors

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#endif

/// Writes a folder of plain files that appears complete and on disk, or not at all.
enum AtomicFolder {
    /// Writes the files beside the path and renames the folder into place.
    ///
    /// A folder can't be renamed over one that is not empty, so an old one is moved aside first
    /// and deleted afterwards. If the power fails between the two renames, the old folder is
    /// found under a hidden name beside the path; nothing is lost.
    static func write(
        _ files: [String: [UInt8]],
        to path: String
    ) throws(CheckpointError) {
        let hasOld = try checkReplaceable(path, files: files)
        let parent = FileSystem.parent(of: path)
        let name = FileSystem.lastComponent(of: path)
        let temporary = try makeTemporaryFolder(parent, name: name, path: path)
        do throws(CheckpointError) {
            for (file, bytes) in files.sorted(by: { NamedTensors.precedes($0.key, $1.key) }) {
                try AtomicFile.store(bytes, at: FileSystem.join(temporary, file))
            }
            try FileSystem.synchronizeFolder(temporary)
            try moveIntoPlace(temporary, path: path, hasOld: hasOld)
        } catch {
            removeFolder(temporary)
            throw error
        }
        try FileSystem.synchronizeFolder(parent)
    }

    /// Makes a folder whose files are written one by one, where nothing is yet.
    ///
    /// - Parameter fill: writes plain files into the folder whose path it gets.
    static func make(at path: String, _ fill: (String) throws -> Void) throws {
        guard try FileSystem.kind(of: path, followsLinks: false) == .absent else {
            throw CheckpointError.notReplaceable(path: path, entry: "a file or folder")
        }
        let parent = FileSystem.parent(of: path)
        let name = FileSystem.lastComponent(of: path)
        let temporary = try makeTemporaryFolder(parent, name: name, path: path)
        do {
            try fill(temporary)
            try FileSystem.synchronizeFolder(temporary)
            // Fails if somebody has put a file or a folder with contents there meanwhile.
            try moveIntoPlace(temporary, path: path, hasOld: false)
        } catch {
            removeFolder(temporary)
            throw error
        }
        try FileSystem.synchronizeFolder(parent)
    }

    /// Whether there is an old folder; fails if it holds something that would be lost.
    private static func checkReplaceable(
        _ path: String,
        files: [String: [UInt8]]
    ) throws(CheckpointError) -> Bool {
        switch try FileSystem.kind(of: path, followsLinks: false) {
        case .absent: return false
        case .plainFile, .other:
            throw .notReplaceable(path: path, entry: "a file or a link, not a folder,")
        case .folder:
            for entry in try FileSystem.entries(of: path) where files[entry] == nil {
                throw .notReplaceable(path: path, entry: entry)
            }
            return true
        }
    }

    private static func makeTemporaryFolder(
        _ parent: String,
        name: String,
        path: String
    ) throws(CheckpointError) -> String {
        var template = FileSystem.join(parent, ".\(name).XXXXXX").utf8CString
        let isMade = unsafe template.withUnsafeMutableBufferPointer {
            guard let start = $0.baseAddress else { return false }
            return unsafe mkdtemp(start) != nil
        }
        guard isMade else { throw .system(path: path, call: "mkdtemp", code: errno) }
        let temporary = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) },
            as: UTF8.self
        )
        unsafe chmod(temporary, 0o755)
        return temporary
    }

    private static func moveIntoPlace(
        _ temporary: String,
        path: String,
        hasOld: Bool
    ) throws(CheckpointError) {
        guard hasOld else { return try rename(temporary, to: path) }
        let aside = temporary + ".old"
        try rename(path, to: aside)
        do throws(CheckpointError) {
            try rename(temporary, to: path)
        } catch {
            try rename(aside, to: path)
            throw error
        }
        removeFolder(aside)
    }

    private static func rename(_ source: String, to target: String) throws(CheckpointError) {
        // Without the slash at its end a path names the folder's entry in its parent.
        let trimmed = FileSystem.join(
            FileSystem.parent(of: target),
            FileSystem.lastComponent(of: target)
        )
        guard renameEntry(source, trimmed) == 0 else {
            throw .system(path: target, call: "rename", code: errno)
        }
    }

    /// Deletes a folder of plain files as far as that goes; what stays behind does no harm.
    private static func removeFolder(_ path: String) {
        let entries = (try? FileSystem.entries(of: path)) ?? []
        for entry in entries { unsafe unlink(FileSystem.join(path, entry)) }
        unsafe rmdir(path)
    }
}

/// The C function under a name that the methods here don't have.
private func renameEntry(_ source: String, _ target: String) -> Int32 {
    unsafe rename(source, target)
}
