internal import Foundation

/// Looks at the place of a result that never replaces anything.
enum OutputPlace {
    /// Checks that nothing is at a path and that its parent is a folder that may be written to.
    static func check(_ path: String) throws(CommandFailure) {
        let parent = URL(filePath: path).standardizedFileURL.deletingLastPathComponent().path
        guard FileManager.default.isWritableFile(atPath: parent) else {
            throw CommandFailure(
                .outputUnwritable,
                "\(path): the folder \(parent) is missing or can't be written to; make it first"
            )
        }
        guard !FilePresence.exists(path) else {
            throw CommandFailure(
                .outputUnwritable,
                "\(path): is there already and is not overwritten; choose another path or move it "
                    + "away"
            )
        }
    }
}
