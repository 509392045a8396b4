/// A table of a store: a named LMDB database with byte-string keys in ascending order.
package struct Table: Hashable, Sendable {
    /// The name in the data file.
    package let name: String
    /// The place of the table's handle in its environment.
    package let index: Int
    /// The lengths that a key may have.
    package let keyByteCounts: ClosedRange<Int>
    /// The lengths that a value may have.
    package let valueByteCounts: ClosedRange<Int>

    /// LMDB's own limit of a key: `mdb_env_get_maxkeysize()` of a common build.
    package static let keyByteCountMax = 511
    /// LMDB's own limit of a value.
    package static let valueByteCountMax = 0xFFFF_FFFF

    package init(
        name: String,
        index: Int,
        keyByteCounts: ClosedRange<Int> = 1...keyByteCountMax,
        valueByteCounts: ClosedRange<Int> = 0...valueByteCountMax
    ) {
        self.name = name
        self.index = index
        self.keyByteCounts = keyByteCounts
        self.valueByteCounts = valueByteCounts
    }

    func check(keyByteCount: Int) throws(StorageError) {
        guard keyByteCounts.contains(keyByteCount) else {
            throw .length(table: name, byteCount: keyByteCount, expected: keyByteCounts)
        }
    }

    func check(valueByteCount: Int) throws(StorageError) {
        guard valueByteCounts.contains(valueByteCount) else {
            throw .length(table: name, byteCount: valueByteCount, expected: valueByteCounts)
        }
    }
}
