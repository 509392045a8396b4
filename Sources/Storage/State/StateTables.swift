/// The tables of `state/`; docs/storage.md describes each.
enum StateTables {
    static let formatVersion: UInt32 = 1
    static let digestByteCount = 32
    /// The bytes of a chunk at most.
    static let chunkByteCountMax = 256 * 1024

    static let format = Table(name: "format", index: 0)
    static let entries = Table(name: "entries", index: 1, keyByteCounts: 8...8)
    static let records = Table(name: "records", index: 2)
    static let objects = Table(
        name: "objects", index: 3, keyByteCounts: digestByteCount...digestByteCount
    )
    static let chunks = Table(
        name: "chunks", index: 4, keyByteCounts: (digestByteCount + 4)...(digestByteCount + 4),
        valueByteCounts: 1...chunkByteCountMax
    )
    static let logLeaves = Table(
        name: "logLeaves", index: 5, keyByteCounts: 8...8, valueByteCounts: 0...65_535
    )
    static let logState = Table(name: "logState", index: 6)
    static let treeHeads = Table(name: "treeHeads", index: 7, keyByteCounts: 8...8)
    static let evidence = Table(
        name: "evidence", index: 8, keyByteCounts: digestByteCount...digestByteCount
    )
    static let peers = Table(name: "peers", index: 9, keyByteCounts: 1...128)
    static let settings = Table(name: "settings", index: 10)
    static let logTiles = Table(
        name: "logTiles", index: 11, keyByteCounts: 9...9, valueByteCounts: 32...8192
    )

    static let all = [
        format, entries, records, objects, chunks, logLeaves, logState, treeHeads, evidence, peers,
        settings, logTiles,
    ]

    /// The only key of ``format``.
    static let versionKey = Array("version".utf8)
    /// The only key of ``logState``.
    static let treeKey = Array("tree".utf8)
}
