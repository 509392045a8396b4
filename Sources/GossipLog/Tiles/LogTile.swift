/// A row of up to 256 hashes of a log's tree, or the leaves below one of level 0.
///
/// Level L holds the roots of the full subtrees of 256 to the power of L leaves: level 0 the leaf
/// hashes. Source: C2SP tlog-tiles.
public struct LogTile: Hashable, Sendable {
    /// The hashes of a full tile.
    public static let width: UInt64 = 256
    /// The greatest level that a tree of less than 2⁶⁴ leaves has.
    public static let levelMax = 7
    /// The bits of a leaf's index that one level takes.
    public static let levelBitCount: UInt64 = 8

    /// The level, 0...7.
    public let level: Int
    /// The place among the tiles of its level, from 0.
    public let index: UInt64
    /// The hashes that it holds, 1...256.
    public let count: Int

    /// Names a tile.
    public init(level: Int, index: UInt64, count: Int = Int(width)) {
        precondition(
            (0...Self.levelMax).contains(level) && (1...Int(Self.width)).contains(count),
            "a tile of level \(level) with \(count) hashes")
        self.level = level
        self.index = index
        self.count = count
    }

    /// Where the hashes lie below a log's folder or address.
    public var path: String { "tile/\(level)/\(place)" }

    /// Where the leaves below a tile of level 0 lie.
    public var entriesPath: String { "tile/entries/\(place)" }

    /// The index in groups of three digits, all but the last with an `x` in front, and the count
    /// of a tile that is not full.
    private var place: String {
        func digits(_ group: UInt64) -> String {
            let text = String(group)
            return String(repeating: "0", count: 3 - text.utf8.count) + text
        }
        var text = digits(index % 1000)
        var rest = index / 1000
        while rest > 0 {
            text = "x\(digits(rest % 1000))/\(text)"
            rest /= 1000
        }
        return count == Int(Self.width) ? text : "\(text).p/\(count)"
    }

    /// All tiles of a log of that size, level by level.
    ///
    /// A level's last tile may hold fewer hashes; one without any is not made.
    /// - Complexity: O(size / 255).
    public static func all(ofSize size: UInt64) -> [LogTile] {
        var tiles: [LogTile] = []
        for level in 0...levelMax {
            let hashCount = size >> (levelBitCount * UInt64(level))
            guard hashCount > 0 else { break }
            for index in 0..<(hashCount / width) {
                tiles.append(LogTile(level: level, index: index))
            }
            if hashCount % width > 0 {
                tiles.append(
                    LogTile(
                        level: level, index: hashCount / width, count: Int(hashCount % width)))
            }
        }
        return tiles
    }
}
