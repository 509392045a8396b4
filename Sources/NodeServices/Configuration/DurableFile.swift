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
        let path = file.path
        let temporary = "\(path).new.\(getpid())"
        let descriptor = unsafe open(
            temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, permissions)
        guard descriptor >= 0 else { throw Failure(call: "open", code: errno) }
        var isWritten = false
        defer {
            if !isWritten { unsafe unlink(temporary) }
        }
        var offset = 0
        while offset < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Foundation.write(
                    descriptor, $0.baseAddress?.advanced(by: offset), $0.count - offset)
            }
            guard count > 0 else {
                if count < 0, errno == EINTR { continue }
                let failure = Failure(call: "write", code: errno)
                close(descriptor)
                throw failure
            }
            offset += count
        }
        guard fsync(descriptor) == 0 else {
            let failure = Failure(call: "fsync", code: errno)
            close(descriptor)
            throw failure
        }
        guard close(descriptor) == 0 else { throw Failure(call: "close", code: errno) }
        guard unsafe rename(temporary, path) == 0 else {
            throw Failure(call: "rename", code: errno)
        }
        isWritten = true
        let folder = unsafe open(file.deletingLastPathComponent().path, O_RDONLY | O_CLOEXEC)
        guard folder >= 0 else { return }
        fsync(folder)
        close(folder)
    }
}
