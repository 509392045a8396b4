/// How a store is opened.
public enum StorageAccess: Hashable, Sendable {
    /// To read and write: one process at a time, others may read.
    case readWrite
    /// To read only, also while another process writes.
    case readOnly
}

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

/// What a test is told of each step of a write transaction before it happens, to make it fail or
/// to end the process there.
package struct WriteFaults: Sendable {
    /// A step of a write transaction.
    package enum Step: Hashable, Sendable {
        case put(table: String)
        case delete(table: String)
        case commit
        case committed
    }

    package let observe: @Sendable (Step) throws(StorageError) -> Void

    package init(observe: @escaping @Sendable (Step) throws(StorageError) -> Void) {
        self.observe = observe
    }
}
