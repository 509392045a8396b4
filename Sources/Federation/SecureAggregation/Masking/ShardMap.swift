internal import Cryptography

/// How the words of a vector are cut into shards, one sum each, and who sums which.
struct ShardMap: Hashable, Sendable {
    let wordCount: Int
    let shardCount: Int

    /// As many shards as members, but none smaller than a chunk of the mask generator.
    init(wordCount: Int, memberCount: Int) {
        precondition(wordCount > 0 && memberCount > 0, "\(wordCount) words, \(memberCount) members")
        self.wordCount = wordCount
        shardCount = min(memberCount, Self.chunkCount(wordCount))
    }

    private static func chunkCount(_ wordCount: Int) -> Int {
        (wordCount + MaskGenerator.chunkWordCount - 1) / MaskGenerator.chunkWordCount
    }

    /// The words of a shard; it starts at a multiple of 4096.
    func range(of shard: Int) -> Range<Int> {
        let chunks = Self.chunkCount(wordCount)
        let start = shard * chunks / shardCount * MaskGenerator.chunkWordCount
        let end = (shard + 1) * chunks / shardCount * MaskGenerator.chunkWordCount
        return start..<min(end, wordCount)
    }

    /// The owner by the greatest hash of group, shard, view and key.
    static func owner(
        of shard: Int, group: Digest, view: Int, among members: [(index: Int, key: PublicKey)]
    ) -> Int? {
        members.max { hash($0.key, shard, group, view) < hash($1.key, shard, group, view) }?.index
    }

    private static func hash(_ key: PublicKey, _ shard: Int, _ group: Digest, _ view: Int) -> Digest
    {
        var writer = CanonicalWriter()
        writer.write(raw: group.bytes)
        writer.write(littleEndian: UInt16(shard))
        writer.write(littleEndian: UInt16(view))
        writer.write(raw: key.bytes)
        return Hashing.blake2b256(writer.bytes)
    }
}
