internal import Checkpoints
internal import Foundation
internal import NodeServices

/// Looks at the place of a result before hours of work go into it.
enum OutputFolder {
    /// Checks that an adapter can be written to a path: its parent is a folder that may be written
    /// to, and what is there already, if anything, is an adapter with nothing beside it.
    ///
    /// - Parameter fileNames: the files that will be written, where that is known already.
    static func check(
        _ path: String,
        fileNames: [String] = PEFTFolder.fileNames + READFolder.fileNames
            + ConsensusAdapter.fileNames
    ) throws(CommandFailure) {
        let files = FileManager.default
        let target = URL(filePath: path).standardizedFileURL
        let parent = target.deletingLastPathComponent().path
        guard files.isWritableFile(atPath: parent) else {
            throw CommandFailure(
                .outputUnwritable,
                "\(path): the folder \(parent) is missing or can't be written to; make it first"
            )
        }
        guard files.fileExists(atPath: path) else { return }
        let names = (try? files.contentsOfDirectory(atPath: path)) ?? ["."]
        guard Set(names).isSubset(of: fileNames) else {
            throw CommandFailure(
                .outputUnwritable,
                "\(path): more than an adapter of this kind is there; choose another path or move it away"
            )
        }
    }
}
