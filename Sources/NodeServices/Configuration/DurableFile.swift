internal import Foundation

/// Writes small files so that their paths never show half of them, whenever the power goes.
enum DurableFile {
    /// A call of the system that failed.
    struct Failure: Error, CustomStringConvertible {
        let call: String
        let code: Int32

        var description: String { unsafe "\(call): \(String(cString: strerror(code)))" }
    }

    /// Writes beside the path, flushes file and folder, and renames.
    static func write(
        _ bytes: [UInt8], to file: URL, permissions: mode_t = 0o600
    ) throws(Failure) {
        let temporary = try temporary(with: bytes, beside: file, permissions)
        guard unsafe rename(temporary, file.path) == 0 else {
            let failure = Failure(call: "rename", code: errno)
            unsafe unlink(temporary)
            throw failure
        }
        flushFolder(of: file)
    }

    /// Writes as ``write(_:to:permissions:)`` does, where nothing has the path yet.
    ///
    /// Of several processes that try, one is first.
    /// - Returns: whether this one was; what another wrote is left as it is.
    static func create(
        _ bytes: [UInt8], at file: URL, permissions: mode_t = 0o600
    ) throws(Failure) -> Bool {
        let temporary = try temporary(with: bytes, beside: file, permissions)
        let isLinked = unsafe link(temporary, file.path) == 0
        let code = errno
        unsafe unlink(temporary)
        guard isLinked else {
            if code == EEXIST { return false }
            throw Failure(call: "link", code: code)
        }
        flushFolder(of: file)
        return true
    }

    /// A flushed file of a name of its own.
    private static func temporary(
        with bytes: [UInt8], beside file: URL, _ permissions: mode_t
    ) throws(Failure) -> String {
        let path = "\(file.path).new.\(getpid()).\(UInt32.random(in: 0 ... .max))"
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, permissions)
        guard descriptor >= 0 else { throw Failure(call: "open", code: errno) }
        var isOpen = true
        var isWritten = false
        defer {
            if isOpen { close(descriptor) }
            if !isWritten { unsafe unlink(path) }
        }
        var offset = 0
        while offset < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Foundation.write(
                    descriptor, $0.baseAddress?.advanced(by: offset), $0.count - offset)
            }
            guard count > 0 else {
                if count < 0, errno == EINTR { continue }
                throw Failure(call: "write", code: errno)
            }
            offset += count
        }
        guard fsync(descriptor) == 0 else { throw Failure(call: "fsync", code: errno) }
        isOpen = false
        guard close(descriptor) == 0 else { throw Failure(call: "close", code: errno) }
        isWritten = true
        return path
    }

    private static func flushFolder(of file: URL) {
        let folder = unsafe open(file.deletingLastPathComponent().path, O_RDONLY | O_CLOEXEC)
        guard folder >= 0 else { return }
        fsync(folder)
        close(folder)
    }
}
