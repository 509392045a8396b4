/// Names of files that come from outside and must stay in their folder.
enum FileName {
    /// Whether a name has no way out of its folder and fits a file system.
    static func isPlain(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 255 && !name.hasPrefix(".")
            && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 < 0x20 || $0 == 0x7F }
    }
}
