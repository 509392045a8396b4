#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#endif

/// A file in memory, read-only, for as long as the object lives.
public protocol MemoryMap: AnyObject, Sendable {
    /// The part of the map from the first to the last byte that was lent, or all of it.
    ///
    /// Everything between two bytes of one map belongs to it, so that pages there can be given back.
    var span: UnsafeRawBufferPointer { get }
}

extension MemoryMap {
    /// Gives the system the memory of bytes that lie in ``span``.
    ///
    /// Nothing is lost: whoever reads them again, another thread at the same time too, finds them in
    /// the system's cache or on disk.
    ///
    /// A page that is read brings its neighbours along where the system has them, so pages go with
    /// all neighbours that may have come.
    ///
    /// - Complexity: O(pages), in one system call.
    public func giveBack(_ bytes: UnsafeRawBufferPointer) {
        let span = unsafe self.span
        guard let start = bytes.baseAddress, let first = span.baseAddress, bytes.count > 0
        else { return }
        let (lower, upper) = MappedPages.window(
            of: UInt(bitPattern: start)..<UInt(bitPattern: start) + UInt(bytes.count),
            in: UInt(bitPattern: first)..<UInt(bitPattern: first) + UInt(span.count)
        )
        guard lower < upper, let address = unsafe UnsafeMutableRawPointer(bitPattern: lower)
        else { return }
        // Advice only: where it is refused, the pages stay.
        _ = unsafe madvise(address, Int(upper - lower), MADV_DONTNEED)
    }
}

/// How the system brings pages of mapped files into memory.
public enum MappedPages {
    /// The bytes of a window: a page that is read comes with cached ones that are nearer than this.
    ///
    /// 2 MiB: the largest folio that Linux's page cache keeps a file in, which it maps as a whole
    /// (measured on 6.18 with ext4); where folios are small, it is the 64 KiB of
    /// `fault_around_bytes`.
    public static let windowByteCount = 1 << 21

    private static let pageByteCount = UInt(max(sysconf(Int32(_SC_PAGESIZE)), 1))

    /// The pages that may have come with bytes, as far as they are inside the pages of `span`.
    ///
    /// Windows lie at multiples of their size in the file, which need not be such in memory.
    static func window(
        of bytes: Range<UInt>,
        in span: Range<UInt>
    ) -> (lower: UInt, upper: UInt) {
        func floor(_ address: UInt) -> UInt { address / pageByteCount * pageByteCount }
        func ceiling(_ address: UInt) -> UInt { floor(address + pageByteCount - 1) }
        let reach = UInt(windowByteCount) - pageByteCount
        let (first, last) = (floor(bytes.lowerBound), ceiling(bytes.upperBound))
        return (
            max(first - min(reach, first), floor(span.lowerBound)),
            min(last + reach, ceiling(span.upperBound))
        )
    }
}
