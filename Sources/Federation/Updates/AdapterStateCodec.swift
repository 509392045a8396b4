public import Cryptography
public import Tensors

/// The bytes of an adapter state, whose hash is the adapter's digest.
///
/// `"starling/adapter/1\0"`, tensor count (4); per tensor: name (length 4, UTF-8), rank (4),
/// extents (4 each), elements as Float32 (4 each). The elements are little-endian, everything
/// else big-endian; names ascend by their UTF-8 bytes.
public enum AdapterStateCodec {
    static let domain: StaticString = "starling/adapter/1"
    static let headerByteCount = 19 + 4

    /// Writes an adapter state.
    ///
    /// - Complexity: O(bytes).
    public static func encode(_ tensors: NamedTensors) -> [UInt8] {
        var writer = CanonicalWriter(domain: domain)
        writer.write(count: tensors.elements.count)
        for element in tensors.elements {
            writer.write(element.name)
            writer.write(count: element.tensor.shape.extents.count)
            for extent in element.tensor.shape.extents { writer.write(count: extent) }
            writer.write(littleEndianWords: element.tensor.values.map(\.bitPattern))
        }
        return writer.bytes
    }

    /// Reads an adapter state and, where a layout is given, requires it.
    ///
    /// - Throws: `CanonicalError`; `malformed` also for another layout or a value that is not
    ///   finite.
    public static func decode(
        _ bytes: [UInt8], layout: AdapterLayout? = nil
    ) throws(CanonicalError) -> NamedTensors {
        let tensors = try decode(bytes, passingOver: nil)
        if let layout, AdapterLayout(of: tensors) != layout { throw .malformed(offset: 0) }
        return tensors
    }

    /// Reads the adapter of a ``ConsensusState`` and passes over its momentum, which training does
    /// not need and which is as large again.
    ///
    /// - Throws: `CanonicalError`; `malformed` also for a value of the adapter that is not finite.
    public static func decodeAdapter(_ bytes: [UInt8]) throws(CanonicalError) -> NamedTensors {
        try decode(bytes, passingOver: ConsensusState.momentumPrefix)
    }

    private static func decode(
        _ bytes: [UInt8], passingOver prefix: String?
    ) throws(CanonicalError) -> NamedTensors {
        var reader = try CanonicalReader(bytes, domain: domain)
        let count = try reader.readCount(
            max: AdapterUpdateCodec.tensorCountMax, itemByteCount: 12)
        var elements: [NamedTensors.Element] = []
        var lastName: String?
        for _ in 0..<count {
            let start = reader.offset
            let name = try reader.readText(max: AdapterUpdateCodec.nameByteCountMax)
            if let lastName, !NamedTensors.precedes(lastName, name) {
                throw .malformed(offset: start)
            }
            lastName = name
            let shape = try reader.readShape(rankMax: AdapterUpdateCodec.rankMax)
            if let prefix, name.hasPrefix(prefix) {
                guard shape.elementCount <= reader.remainingCount / 4 else {
                    throw .truncated(offset: reader.offset)
                }
                try reader.skip(rawCount: 4 * shape.elementCount)
                continue
            }
            let words = try reader.readLittleEndianWords(count: shape.elementCount)
            let values = words.map { Float(bitPattern: $0) }
            guard values.allSatisfy(\.isFinite) else { throw .malformed(offset: start) }
            elements.append(
                NamedTensors.Element(
                    name: name, tensor: FloatTensor(shape: shape, values: values)))
        }
        try reader.finish()
        return NamedTensors(elements)
    }

    /// The object id of an adapter state: the digest that entries and exports name.
    public static func digest(of tensors: NamedTensors) -> ObjectID {
        ContentAddress.id(of: encode(tensors))
    }
}
