/// The tables of `models/`; docs/storage.md describes each.
enum ModelTables {
    static let formatVersion: UInt32 = 1

    static let format = Table(name: "format", index: 0)
    static let models = Table(name: "models", index: 1)
    static let shards = Table(
        name: "shards", index: 2,
        keyByteCounts: StateTables.digestByteCount...StateTables.digestByteCount
    )

    static let all = [format, models, shards]
}
