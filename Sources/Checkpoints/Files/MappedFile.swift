internal import Tensors

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#endif

/// A plain file in memory, read-only, for as long as this object lives.
///
/// A mapped file that somebody truncates ends the process at the next read beyond its new end, so
/// the length is asked for again before bytes are lent. That leaves a window; weights should be
/// replaced by renaming, never by overwriting.
///
/// `@unchecked Sendable`: the pointer, the length and the descriptor never change, and nobody
/// writes to the pages.
@safe final class MappedFile: MemoryMap, @unchecked Sendable {
    let path: String
    let byteCount: Int
    private let descriptor: Int32
    private let base: UnsafeRawPointer?

    /// - Throws: `system`, or `notAPlainFile`.
    init(path: String) throws(CheckpointError) {
        // Without O_NONBLOCK opening a pipe would wait for its writer.
        let descriptor = Self.retrying { unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
        guard descriptor >= 0 else { throw .system(path: path, call: "open", code: errno) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            let code = errno
            close(descriptor)
            throw .system(path: path, call: "fstat", code: code)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw .notAPlainFile(path: path)
        }
        let byteCount = Int(status.st_size)
        var base: UnsafeRawPointer?
        if byteCount > 0 {
            let address = unsafe mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, descriptor, 0)
            guard let address = unsafe address, unsafe address != MAP_FAILED else {
                let code = errno
                close(descriptor)
                throw .system(path: path, call: "mmap", code: code)
            }
            unsafe base = UnsafeRawPointer(address)
        }
        self.path = path
        self.byteCount = byteCount
        self.descriptor = descriptor
        unsafe self.base = unsafe base
    }

    deinit {
        if let base = unsafe base {
            unsafe munmap(UnsafeMutableRawPointer(mutating: base), byteCount)
        }
        close(descriptor)
    }

    /// All of the file.
    var span: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: base, count: base == nil ? 0 : byteCount)
    }

    /// Lends the bytes of a range that lies in the file.
    ///
    /// Their memory is given back afterwards: weights are mostly read once, and would stay resident
    /// beside what was made of them.
    func withBytes<Result>(
        in range: Range<Int>,
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        let bytes = unsafe try checkedBytes(in: range)
        defer { unsafe giveBack(bytes) }
        return try unsafe body(bytes)
    }

    /// The rows of a tensor in a range that lies in the file; they keep the file open.
    ///
    /// From here on nobody asks for the length again.
    func rows(
        in range: Range<Int>,
        order: MappedRows.Order
    ) throws(CheckpointError) -> MappedRows {
        unsafe MappedRows(try checkedBytes(in: range), of: self, order: order)
    }

    private func checkedBytes(
        in range: Range<Int>
    ) throws(CheckpointError) -> UnsafeRawBufferPointer {
        try checkUnchanged()
        precondition(
            range.lowerBound >= 0 && range.upperBound <= byteCount,
            "\(range) of \(byteCount) bytes"
        )
        return unsafe UnsafeRawBufferPointer(rebasing: span[range])
    }

    /// Copies the bytes of a range that lies in the file.
    ///
    /// - Parameter isUnchanged: skips asking for the length again, for many small reads in a row.
    func bytes(
        in range: Range<Int>,
        isUnchanged: Bool = false
    ) throws(CheckpointError) -> [UInt8] {
        if !isUnchanged { try checkUnchanged() }
        precondition(
            range.lowerBound >= 0 && range.upperBound <= byteCount,
            "\(range) of \(byteCount) bytes"
        )
        guard let base = unsafe base else { return [] }
        return unsafe [UInt8](
            UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count)
        )
    }

    /// The little-endian integer at an offset, all of which lies in the file.
    func integer<Integer: FixedWidthInteger>(at offset: Int, as type: Integer.Type) -> Integer {
        precondition(
            offset >= 0 && offset <= byteCount - MemoryLayout<Integer>.size,
            "byte \(offset) of \(byteCount)"
        )
        guard let base = unsafe base else { return 0 }
        return Integer(littleEndian: unsafe base.loadUnaligned(fromByteOffset: offset, as: type))
    }

    private func checkUnchanged() throws(CheckpointError) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw .system(path: path, call: "fstat", code: errno)
        }
        guard Int(status.st_size) >= byteCount else { throw .fileChanged(path: path) }
    }

    private static func retrying(_ call: () -> Int32) -> Int32 {
        while true {
            let result = call()
            if result >= 0 || errno != EINTR { return result }
        }
    }
}
