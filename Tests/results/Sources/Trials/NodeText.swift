internal import Cryptography
internal import FoundationEssentials
internal import Training

/// The text of one node: what it trains on, and its own text that nobody trains on.
struct NodeText {
    let name: String
    let training: [TokenRow]
    let heldOut: [TokenRow]

    /// Reads every `NAME.train.txt` of a folder with its `NAME.heldout.txt`, in the order of the
    /// names.
    ///
    /// - Parameters:
    ///   - heldOutRowCount: the rows at the start of the held-out text that count.
    static func read(
        folder: String, encoder: ExampleEncoder, heldOutRowCount: Int
    ) throws -> [NodeText] {
        try names(in: folder).map { name in
            let training = try TextDataset(paths: [path(folder, name, "train")])
            let heldOut = try TextDataset(paths: [path(folder, name, "heldout")])
            return NodeText(
                name: name,
                training: try training.rows(encoder: encoder),
                heldOut: Array(try heldOut.rows(encoder: encoder).prefix(heldOutRowCount)))
        }
    }

    /// BLAKE2b-256 over all files of a folder, in the order of the names.
    static func digest(folder: String) throws -> Digest {
        var bytes: [UInt8] = []
        for name in try names(in: folder) {
            for part in ["train", "heldout"] {
                let url = URL(filePath: path(folder, name, part))
                bytes += [UInt8](try Data(contentsOf: url))
            }
        }
        return Hashing.blake2b256(bytes)
    }

    private static func names(in folder: String) throws -> [String] {
        let suffix = ".train.txt"
        return try FileManager.default.contentsOfDirectory(atPath: folder)
            .filter { $0.hasSuffix(suffix) }
            .map { String($0.dropLast(suffix.count)) }
            .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private static func path(_ folder: String, _ name: String, _ part: String) -> String {
        "\(folder)/\(name).\(part).txt"
    }
}
