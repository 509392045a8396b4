import Glibc
import Tensors

/// A file in memory that ends at a page which nobody may read, and whose pages can be counted.
@safe final class GuardedMap: MemoryMap, @unchecked Sendable {
    enum Failure: Error { case call(String, code: Int32) }

    /// The bytes that were given, which end where the file does.
    let bytes: UnsafeRawBufferPointer
    let span: UnsafeRawBufferPointer
    private let region: UnsafeMutableRawPointer
    private let regionByteCount: Int

    private static let pageByteCount = Int(sysconf(Int32(_SC_PAGESIZE)))

    init(_ bytes: [UInt8]) throws {
        let page = Self.pageByteCount
        let byteCount = (bytes.count + page - 1) / page * page
        let regionByteCount = byteCount + page
        let mapped = unsafe mmap(
            nil, regionByteCount, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let region = unsafe mapped, unsafe region != MAP_FAILED else {
            throw Failure.call("mmap", code: errno)
        }
        self.regionByteCount = regionByteCount
        unsafe self.region = region
        unsafe span = UnsafeRawBufferPointer(start: region, count: byteCount)
        unsafe self.bytes = UnsafeRawBufferPointer(rebasing: span.suffix(bytes.count))
        let path = "/tmp/starling-map-\(getpid())-\(UInt(bitPattern: region))"
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_EXCL, 0o600)
        guard descriptor >= 0 else { throw Failure.call("open", code: errno) }
        defer { close(descriptor) }
        unsafe unlink(path)
        let content = [UInt8](repeating: 0, count: byteCount - bytes.count) + bytes
        guard
            unsafe content.withUnsafeBytes({ unsafe write(descriptor, $0.baseAddress, $0.count) })
                == byteCount
        else { throw Failure.call("write", code: errno) }
        let placed = unsafe mmap(
            region, byteCount, PROT_READ, MAP_PRIVATE | MAP_FIXED, descriptor, 0)
        guard unsafe placed == region else { throw Failure.call("mmap", code: errno) }
    }

    deinit {
        unsafe munmap(region, regionByteCount)
    }

    /// The bytes of the file that are in the process's memory now.
    func residentByteCount() throws -> Int {
        let descriptor = unsafe open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure.call("open", code: errno) }
        defer { close(descriptor) }
        let page = Self.pageByteCount
        var entries = unsafe [UInt64](repeating: 0, count: span.count / page)
        let count = unsafe entries.withUnsafeMutableBytes {
            unsafe pread(
                descriptor, $0.baseAddress, $0.count, Int(bitPattern: span.baseAddress) / page * 8)
        }
        guard count == entries.count * 8 else { throw Failure.call("pread", code: errno) }
        // Bit 63: the page is there.
        return entries.count { $0 >> 63 == 1 } * page
    }
}
