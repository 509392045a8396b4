internal import Foundation

/// Replaces a file of the running node's, such that readers see the old bytes or the new ones.
///
/// Nothing is flushed: after a loss of power no node runs whose state the file could tell.
enum LiveFile {
    /// Writes to `FILE.new` and renames it.
    ///
    /// The name is the same each time, so what a killed process leaves there is written over by
    /// the next. At most one task may write a file.
    static func replace(_ file: URL, with data: Data) throws {
        let next = URL(filePath: file.path + ".new")
        try data.write(to: next)
        guard unsafe rename(next.path, file.path) == 0 else {
            throw CocoaError(.fileWriteUnknown)
        }
    }
}
