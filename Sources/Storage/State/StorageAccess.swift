/// How a store is opened.
public enum StorageAccess: Hashable, Sendable {
    /// To read and write: one process at a time, others may read.
    case readWrite
    /// To read only, also while another process writes.
    case readOnly
}
