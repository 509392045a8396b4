/// How much memory a store may map.
///
/// A map takes address space, not memory or disk. It begins with `initialByteCount` and doubles
/// when it is full, up to `byteCountMax`.
package struct MapLimits: Hashable, Sendable {
    package let initialByteCount: Int
    package let byteCountMax: Int

    package init(initialByteCount: Int, byteCountMax: Int) {
        self.initialByteCount = initialByteCount
        self.byteCountMax = byteCountMax
    }
}
