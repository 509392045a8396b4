/// The rows of a stored matrix where they lie in a memory map, which stays as long as this value or
/// a copy of it.
@safe public struct MappedRows: Sendable {
    /// How rows in Hugging Face order lie in the map.
    public enum Order: Hashable, Sendable {
        /// In the same order.
        case same
        /// In groups of so many rows, an even number, whose halves alternate: row j + t x half of a
        /// group lies at 2j + t, as in the query and key projections of GGUF's Llama models.
        case alternatingHalves(groupRowCount: Int)
    }

    /// The order.
    public let order: Order
    /// Who lends the bytes.
    public let map: any MemoryMap
    /// The bytes of all rows.
    public let byteCount: Int

    // It lies in `map`, which is read-only and kept alive here.
    private let place: UInt

    /// Keeps bytes that lie in the span of a map.
    public init(_ bytes: UnsafeRawBufferPointer, of map: any MemoryMap, order: Order = .same) {
        place = UInt(bitPattern: bytes.baseAddress)
        byteCount = bytes.count
        self.map = map
        self.order = order
    }

    /// Lends all bytes for the length of a call.
    public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withExtendedLifetime(map) {
            unsafe body(
                UnsafeRawBufferPointer(
                    start: UnsafeRawPointer(bitPattern: place), count: byteCount))
        }
    }

    /// Gives the memory of a range of bytes back to the system until it is read again.
    public func giveBack(_ range: Range<Int>) {
        unsafe withBytes { unsafe map.giveBack(UnsafeRawBufferPointer(rebasing: $0[range])) }
    }
}

extension MappedRows.Order {
    /// The place of a row.
    public func place(of row: Int) -> Int {
        guard case .alternatingHalves(let count) = self else { return row }
        let (group, row) = (row / count * count, row % count)
        return group + 2 * (row % (count / 2)) + row / (count / 2)
    }

    /// The places of some neighbouring rows, and of those that lie between them.
    public func places(of rows: Range<Int>) -> Range<Int> {
        guard case .alternatingHalves(let count) = self, !rows.isEmpty else { return rows }
        return rows.lowerBound / count * count..<(rows.upperBound + count - 1) / count * count
    }
}
