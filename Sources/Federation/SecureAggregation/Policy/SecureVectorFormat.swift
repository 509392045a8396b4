/// How a member's delta becomes the vector that is summed: ring words, the weight behind them.
public struct SecureVectorFormat: Hashable, Sendable {
    /// Elements of the delta, d; 1...2^27.
    public let elementCount: Int
    /// Bits after the binary point.
    public let fractionBitCount: Int
    /// The magnitude to which each element of a delta is clipped.
    public let clipMagnitude: Double
    /// The weight that counts as one.
    public let weightUnit: Int

    /// Bits of a ring word.
    static let ringBitCount: UInt8 = 32
    /// The most elements: half a gigabyte of words.
    public static let elementCountMax = 1 << 27
    static let byteCount = 18

    /// Takes the settings; ``SecurePolicy`` checks the ranges.
    public init(
        elementCount: Int, fractionBitCount: Int, clipMagnitude: Double, weightUnit: Int
    ) {
        self.elementCount = elementCount
        self.fractionBitCount = fractionBitCount
        self.clipMagnitude = clipMagnitude
        self.weightUnit = weightUnit
    }

    /// Words of the summed vector: the elements and the weight.
    public var wordCount: Int { elementCount + 1 }

    /// Whether every field is in range and the sum of that many members cannot wrap.
    func isValid(memberCount: Int) -> Bool {
        guard (1...Self.elementCountMax).contains(elementCount),
            (1...30).contains(fractionBitCount), (1...Int(Int32.max)).contains(weightUnit),
            clipMagnitude.isFinite, clipMagnitude > 0
        else { return false }
        let magnitude = (clipMagnitude * Double(1 << fractionBitCount)).rounded(.up)
        return Double(memberCount) * magnitude < 2_147_483_648
            && memberCount * weightUnit <= Int(UInt32.max)
    }

    /// The greatest magnitude of a word of one member with that weight.
    func wordMagnitudeMax(weight: Int) -> Int64 {
        let scale = Double(weight) / Double(weightUnit) * Double(1 << fractionBitCount)
        return Int64((clipMagnitude * scale).rounded(.up))
    }

    func write(to writer: inout CanonicalWriter) {
        writer.write(littleEndian: UInt32(elementCount))
        writer.write(UInt8(fractionBitCount))
        writer.write(littleEndian: clipMagnitude.bitPattern)
        writer.write(littleEndian: UInt32(weightUnit))
        writer.write(Self.ringBitCount)
    }

    init(reading reader: inout CanonicalReader) throws(CanonicalError) {
        elementCount = Int(try reader.readLittleEndian(UInt32.self))
        fractionBitCount = Int(try reader.read(UInt8.self))
        clipMagnitude = Double(bitPattern: try reader.readLittleEndian())
        weightUnit = Int(try reader.readLittleEndian(UInt32.self))
        let start = reader.offset
        guard try reader.read(UInt8.self) == Self.ringBitCount else {
            throw .malformed(offset: start)
        }
    }
}
