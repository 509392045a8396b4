public import Checkpoints
public import Cryptography
public import Federation
internal import Tensors

/// What a base model consists of: its extents, its vocabulary, and its tensors by content address.
///
/// The content address of a record's bytes is the base model's digest: nodes whose records are
/// equal train on the same weights and cut text into the same tokens.
public struct ModelRecord: Hashable, Sendable {
    /// One tensor, named and addressed.
    public struct Shard: Hashable, Sendable {
        /// What the tensor is.
        public let tensor: TensorDescription
        /// The content address of its bytes.
        public let id: Digest

        /// Pairs a tensor with its address.
        public init(tensor: TensorDescription, id: Digest) {
            self.tensor = tensor
            self.id = id
        }
    }

    /// The architecture and its extents.
    public let configuration: ModelConfiguration
    /// The content address of the tokenizer definition's bytes.
    public let tokenizerID: Digest
    /// The tensors in ascending order of the names' UTF-8 bytes.
    public let shards: [Shard]

    /// The most tensors that a record may have; a model of 200 layers has some 2,000.
    public static let shardCountMax = 65_536
    /// The most bytes of a record.
    public static let byteCountMax = 16 << 20

    /// Makes a record from parts that a checkpoint has already checked.
    public init(configuration: ModelConfiguration, tokenizerID: Digest, shards: [Shard]) {
        self.configuration = configuration
        self.tokenizerID = tokenizerID
        self.shards = shards.sorted {
            NamedTensors.precedes($0.tensor.name, $1.tensor.name)
        }
    }

    /// The canonical bytes, in the oldest layout that holds all of the configuration.
    ///
    /// So a plain Llama keeps the address that it had before there were others.
    public var canonicalBytes: [UInt8] {
        var writer = CanonicalWriter(domain: Self.layout(of: configuration).domain)
        Self.write(configuration, to: &writer)
        writer.write(raw: tokenizerID.bytes)
        writer.write(count: shards.count)
        for shard in shards {
            writer.write(shard.tensor.name)
            writer.write(shard.tensor.elementType.rawValue)
            writer.write(count: shard.tensor.shape.extents.count)
            for extent in shard.tensor.shape.extents { writer.write(count: extent) }
            writer.write(raw: shard.id.bytes)
        }
        return writer.bytes
    }

    /// Reads canonical bytes.
    ///
    /// - Throws: ``CanonicalError`` when they are not what ``canonicalBytes`` writes; `wrongDomain`
    ///   for a layout that this version doesn't know.
    public init(canonicalBytes bytes: [UInt8]) throws(CanonicalError) {
        guard bytes.count <= Self.byteCountMax else {
            throw .tooLong(offset: 0, count: bytes.count, allowed: Self.byteCountMax)
        }
        var (reader, layout) = try Self.reader(of: bytes)
        configuration = try Self.readConfiguration(&reader, layout: layout)
        tokenizerID = try reader.readDigest()
        // A shard takes at least three counts and a digest.
        let count = try reader.readCount(max: Self.shardCountMax, itemByteCount: 44)
        var shards: [Shard] = []
        shards.reserveCapacity(count)
        for _ in 0..<count {
            let shard = try Self.readShard(&reader)
            if let last = shards.last,
                !NamedTensors.precedes(last.tensor.name, shard.tensor.name)
            {
                throw .malformed(offset: reader.offset)
            }
            shards.append(shard)
        }
        try reader.finish()
        self.shards = shards
    }

    private static func readShard(
        _ reader: inout CanonicalReader
    ) throws(CanonicalError) -> Shard {
        let name = try reader.readText(max: 512)
        let typeName = try reader.readText(max: 16)
        let extentCount = try reader.readCount(max: 4, itemByteCount: 4)
        var extents: [Int] = []
        for _ in 0..<extentCount {
            extents.append(Int(try reader.read(UInt32.self)))
        }
        let id = try reader.readDigest()
        guard let elementType = ElementType(rawValue: typeName),
            let shape = Shape(checking: extents),
            let byteCount = elementType.byteCount(of: shape)
        else { throw .malformed(offset: reader.offset) }
        return Shard(
            tensor: TensorDescription(
                name: name, shape: shape, elementType: elementType, byteCount: byteCount
            ),
            id: id
        )
    }
}
