/// The leaves below a tile of level 0, each behind its length in two bytes.
///
/// Source: C2SP tlog-tiles.
public enum EntryBundle {
    /// The longest bundle.
    public static let byteCountMax = Int(LogTile.width) * (2 + LogLeaf.byteCountMax)

    /// The bundle of some leaves.
    public static func bytes(of leaves: [[UInt8]]) -> [UInt8] {
        var writer = ByteWriter()
        for leaf in leaves {
            precondition(leaf.count <= LogLeaf.byteCountMax, "a leaf of \(leaf.count) bytes")
            writer.append(UInt16(leaf.count))
            writer.append(leaf)
        }
        return writer.bytes
    }

    /// The leaves of a bundle; nil where the last one is cut off, or there are more than 256.
    public static func leaves(in bytes: [UInt8]) -> [[UInt8]]? {
        guard bytes.count <= byteCountMax else { return nil }
        var reader = ByteReader(bytes)
        var leaves: [[UInt8]] = []
        while reader.remainingCount > 0 {
            guard leaves.count < Int(LogTile.width), let count = reader.readUInt16(),
                let leaf = reader.read(Int(count))
            else { return nil }
            leaves.append(Array(leaf))
        }
        return leaves
    }
}
