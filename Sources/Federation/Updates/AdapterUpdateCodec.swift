internal import Cryptography
internal import Tensors

/// The bytes of an update object.
///
/// First layout, under a manifest of version 1: `"starling/update/1\0"`, manifest digest (32),
/// round (8), base adapter (32), member (32), examples (4), tensor count (4); per tensor: name
/// (length 4, UTF-8), rank (4), extents (4 each), weight (4), words (4 each).
///
/// Second layout, under every other: `"starling/update/2\0"`, the same with steps (4) behind the
/// examples, and per tensor: name, rank, extents, axis of the directions (1; 255 for none), mask of
/// the directions held (length 4; bit i mod 8 of byte i / 8; empty for all), weight (4), form (1),
/// then words (4 each), or the steps of the directions held (4 each) and the numbers.
///
/// Words and steps are little-endian, everything else big-endian.
public enum AdapterUpdateCodec {
    static let firstDomain: StaticString = "starling/update/1"
    static let domain: StaticString = "starling/update/2"
    static let headerByteCount = 18 + 32 + 8 + 32 + 32 + 4 + 4
    static let tensorCountMax = 65_536
    static let nameByteCountMax = 512
    static let rankMax = 4

    /// Writes an update; one without a step count in the first layout.
    ///
    /// - Complexity: O(bytes).
    public static func encode(_ update: AdapterUpdate) -> [UInt8] {
        let isFirst = update.stepCount == 0
        var writer = CanonicalWriter(byteCountHint: byteCountHint(of: update))
        writer.write(raw: Array((isFirst ? firstDomain : domain).description.utf8) + [0])
        writer.write(raw: update.manifestDigest.bytes)
        writer.write(update.round)
        writer.write(raw: update.baseAdapterDigest.bytes)
        writer.write(raw: update.member.bytes)
        writer.write(count: update.exampleCount)
        if !isFirst { writer.write(count: update.stepCount) }
        writer.write(count: update.tensors.count)
        for tensor in update.tensors {
            writer.write(tensor.name)
            writer.write(count: tensor.shape.extents.count)
            for extent in tensor.shape.extents { writer.write(count: extent) }
            if isFirst {
                precondition(
                    tensor.form == .ring32 && tensor.directions == nil,
                    "the first layout holds whole tensors in ring integers")
                writer.write(count: tensor.weight)
                writer.write(littleEndianWords: tensor.words)
            } else {
                writer.write(held: tensor)
            }
        }
        return writer.bytes
    }

    private static func byteCountHint(of update: AdapterUpdate) -> Int {
        update.tensors.reduce(headerByteCount + 4) { sum, tensor in
            sum + 150 + tensor.name.utf8.count
                + tensor.form.byteCount(
                    elementCount: tensor.words.count, stepCount: tensor.steps.count)
        }
    }

    /// Reads an update of at most `byteCountMax` bytes; what is allocated is at most eight times
    /// what the bytes themselves hold.
    ///
    /// With a layout only the tensors that it names are read, and the others are passed over. What
    /// it all means is checked by ``UpdateInspector``.
    ///
    /// - Throws: `updateTooLarge` or `malformed`.
    /// - Complexity: O(bytes).
    public static func decode(
        _ bytes: [UInt8], byteCountMax: Int, only layout: AdapterLayout? = nil
    ) throws(RejectReason) -> AdapterUpdate {
        guard bytes.count <= byteCountMax else { throw .updateTooLarge }
        do {
            let isFirst = bytes.starts(with: Array(firstDomain.description.utf8) + [0])
            return try read(bytes, isFirst: isFirst, only: layout)
        } catch {
            throw .malformed
        }
    }

    private static func read(
        _ bytes: [UInt8], isFirst: Bool, only layout: AdapterLayout?
    ) throws(CanonicalError) -> AdapterUpdate {
        var reader = try CanonicalReader(bytes, domain: isFirst ? firstDomain : domain)
        let manifestDigest = try reader.readDigest()
        let round = try reader.read(UInt64.self)
        let base = try reader.readDigest()
        let member = try reader.readKey()
        let exampleCount = Int(try reader.read(UInt32.self))
        let stepCount = isFirst ? 0 : Int(try reader.read(UInt32.self))
        if !isFirst, stepCount == 0 { throw .malformed(offset: reader.offset) }
        let count = try reader.readCount(max: tensorCountMax, itemByteCount: 16)
        var tensors: [AdapterUpdate.RingTensor] = []
        var last: String?
        for _ in 0..<count {
            let name = try reader.readText(max: nameByteCountMax)
            if let last, !NamedTensors.precedes(last, name) {
                throw .malformed(offset: reader.offset)
            }
            last = name
            let isWanted = layout.map { $0.index(of: name) != nil } ?? true
            let tensor =
                try isFirst
                ? readTensor(&reader, name: name, isWanted: isWanted)
                : reader.readHeldTensor(name: name, isWanted: isWanted)
            if let tensor { tensors.append(tensor) }
        }
        try reader.finish()
        return AdapterUpdate(
            manifestDigest: manifestDigest, round: round, baseAdapterDigest: base,
            member: member, exampleCount: exampleCount, stepCount: stepCount, tensors: tensors)
    }

    private static func readTensor(
        _ reader: inout CanonicalReader, name: String, isWanted: Bool
    ) throws(CanonicalError) -> AdapterUpdate.RingTensor? {
        let shape = try reader.readShape(rankMax: rankMax)
        let weight = Int(try reader.read(UInt32.self))
        guard isWanted else {
            guard shape.elementCount <= reader.remainingCount / 4 else {
                throw .truncated(offset: reader.offset)
            }
            try reader.skip(rawCount: 4 * shape.elementCount)
            return nil
        }
        let words = try reader.readLittleEndianWords(count: shape.elementCount)
        return AdapterUpdate.RingTensor(name: name, shape: shape, weight: weight, words: words)
    }
}
