internal import Glibc

/// A file in memory that lasts as long as the process, for readers that open paths.
enum MemoryFile {
    /// Has no name any more, so nothing stays behind after a crash.
    private static let descriptor: Int32 = {
        var template = "/dev/shm/starling-fuzz.XXXXXX".utf8CString
        let descriptor = unsafe template.withUnsafeMutableBufferPointer { buffer -> Int32 in
            guard let start = buffer.baseAddress else { return -1 }
            let descriptor = unsafe mkstemp(start)
            unsafe unlink(start)
            return descriptor
        }
        precondition(descriptor >= 0, "mkstemp failed with error \(errno)")
        return descriptor
    }()

    /// Lends the path of a file with these bytes for the length of a call, which closes what it
    /// opens.
    static func with(_ bytes: [UInt8], _ body: (String) -> Void) {
        let written = unsafe bytes.withUnsafeBytes {
            unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0)
        }
        precondition(
            written == bytes.count && ftruncate(descriptor, written) == 0,
            "\(written) of \(bytes.count) bytes written, error \(errno)"
        )
        body("/proc/self/fd/\(descriptor)")
    }
}
