#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#endif

/// A file that appears under its name complete and on disk, or not at all.
package struct AtomicFile: ~Copyable {
    private let path: String
    private let temporaryPath: String
    private let descriptor: Int32

    /// Makes a hidden file beside the path.
    ///
    /// - Throws: `system`.
    init(path: String) throws(CheckpointError) {
        let parent = FileSystem.parent(of: path)
        let name = FileSystem.lastComponent(of: path)
        var template = FileSystem.join(parent, ".\(name).XXXXXX").utf8CString
        let descriptor = unsafe template.withUnsafeMutableBufferPointer {
            unsafe $0.baseAddress.map { unsafe mkstemp($0) } ?? -1
        }
        guard descriptor >= 0 else { throw .system(path: path, call: "mkstemp", code: errno) }
        self.path = path
        self.descriptor = descriptor
        temporaryPath = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) },
            as: UTF8.self
        )
        // mkstemp makes files that only their owner reads; weights are no secret of one account.
        fchmod(descriptor, 0o644)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    /// Adds bytes at the end.
    borrowing func append(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
        var written = 0
        while written < bytes.count {
            let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[written...])
            let count = unsafe write(descriptor, rest.baseAddress, rest.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw .system(path: path, call: "write", code: errno)
            }
            written += count
        }
    }

    /// Adds bytes at the end.
    borrowing func append(_ bytes: [UInt8]) throws(CheckpointError) {
        let failure: CheckpointError? = unsafe bytes.withUnsafeBytes { buffer in
            do throws(CheckpointError) {
                try unsafe append(buffer)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }

    /// Gives the file its name.
    ///
    /// - Parameter replaces: whether what has the name gives way; otherwise that is `notReplaceable`.
    consuming func commit(replaces: Bool = true) throws(CheckpointError) {
        guard fsync(descriptor) == 0 else {
            throw .system(path: path, call: "fsync", code: errno)
        }
        let isLinked = replaces ? false : try makeLink()
        if !isLinked {
            guard unsafe rename(temporaryPath, path) == 0 else {
                throw .system(path: path, call: "rename", code: errno)
            }
        }
        try FileSystem.synchronizeFolder(FileSystem.parent(of: path))
    }

    /// Gives the file its name beside the temporary one, which `deinit` removes; `false` where the
    /// file system has no hard links and nothing has the name.
    private borrowing func makeLink() throws(CheckpointError) -> Bool {
        if unsafe link(temporaryPath, path) == 0 { return true }
        let code = errno
        guard try FileSystem.kind(of: path, followsLinks: false) == .absent else {
            throw .notReplaceable(path: path, entry: "a file or folder")
        }
        guard code == EPERM || code == ENOTSUP || code == ENOSYS else {
            throw .system(path: path, call: "link", code: code)
        }
        return false
    }

    deinit {
        close(descriptor)
        // After a commit the temporary name is gone and this does nothing.
        unsafe unlink(temporaryPath)
    }

    /// Writes a whole file.
    package static func store(_ bytes: [UInt8], at path: String) throws(CheckpointError) {
        let file = try AtomicFile(path: path)
        try file.append(bytes)
        try file.commit()
    }
}
