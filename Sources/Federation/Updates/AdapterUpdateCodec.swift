internal import Cryptography
internal import Tensors

/// The bytes of an update object.
///
/// `"starling/update/1\0"`, manifest digest (32), round (8), base adapter (32), member (32),
/// examples (4), tensor count (4); per tensor: name (length 4, UTF-8), rank (4), extents (4 each),
/// weight (4), words (4 each). The words are little-endian, everything else big-endian.
public enum AdapterUpdateCodec {
    static let domain: StaticString = "starling/update/1"
    static let headerByteCount = 18 + 32 + 8 + 32 + 32 + 4 + 4
    static let tensorCountMax = 65_536
    static let nameByteCountMax = 512
    static let rankMax = 4

    /// Writes an update.
    ///
    /// - Complexity: O(bytes).
    public static func encode(_ update: AdapterUpdate) -> [UInt8] {
        let byteCount = update.tensors.reduce(headerByteCount) { sum, tensor in
            sum + 12 + tensor.name.utf8.count + 4 * tensor.shape.extents.count
                + 4 * tensor.words.count
        }
        var writer = CanonicalWriter(byteCountHint: byteCount)
        writer.write(raw: Array(domain.description.utf8) + [0])
        writer.write(raw: update.manifestDigest.bytes)
        writer.write(update.round)
        writer.write(raw: update.baseAdapterDigest.bytes)
        writer.write(raw: update.member.bytes)
        writer.write(count: update.exampleCount)
        writer.write(count: update.tensors.count)
        for tensor in update.tensors {
            writer.write(tensor.name)
            writer.write(count: tensor.shape.extents.count)
            for extent in tensor.shape.extents { writer.write(count: extent) }
            writer.write(count: tensor.weight)
            writer.write(littleEndianWords: tensor.words)
        }
        return writer.bytes
    }

    /// Reads an update of at most `byteCountMax` bytes; nothing is allocated beyond what the bytes
    /// themselves hold.
    ///
    /// What it means is checked by ``UpdateInspector``.
    ///
    /// - Throws: `updateTooLarge` or `malformed`.
    /// - Complexity: O(bytes).
    public static func decode(
        _ bytes: [UInt8], byteCountMax: Int
    ) throws(RejectReason) -> AdapterUpdate {
        guard bytes.count <= byteCountMax else { throw .updateTooLarge }
        do {
            return try read(bytes)
        } catch {
            throw .malformed
        }
    }

    private static func read(_ bytes: [UInt8]) throws(CanonicalError) -> AdapterUpdate {
        var reader = try CanonicalReader(bytes, domain: domain)
        let manifestDigest = try reader.readDigest()
        let round = try reader.read(UInt64.self)
        let base = try reader.readDigest()
        let member = try reader.readKey()
        let exampleCount = Int(try reader.read(UInt32.self))
        let count = try reader.readCount(max: tensorCountMax, itemByteCount: 16)
        var tensors: [AdapterUpdate.RingTensor] = []
        for _ in 0..<count {
            let tensor = try readTensor(&reader)
            if let last = tensors.last, !NamedTensors.precedes(last.name, tensor.name) {
                throw .malformed(offset: reader.offset)
            }
            tensors.append(tensor)
        }
        try reader.finish()
        return AdapterUpdate(
            manifestDigest: manifestDigest, round: round, baseAdapterDigest: base,
            member: member, exampleCount: exampleCount, tensors: tensors)
    }

    private static func readTensor(
        _ reader: inout CanonicalReader
    ) throws(CanonicalError) -> AdapterUpdate.RingTensor {
        let name = try reader.readText(max: nameByteCountMax)
        let shape = try reader.readShape(rankMax: rankMax)
        let weight = Int(try reader.read(UInt32.self))
        let words = try reader.readLittleEndianWords(count: shape.elementCount)
        return AdapterUpdate.RingTensor(name: name, shape: shape, weight: weight, words: words)
    }
}
