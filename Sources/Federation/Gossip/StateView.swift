public import Cryptography
public import Tensors

/// The bytes of a gossiped state, read tensor by tensor: a mean of sixteen states holds their bytes
/// and the floats of one pair, not the floats of all.
public struct StateView: Sendable {
    /// The federation.
    public let manifestDigest: Digest
    /// The round.
    public let round: UInt64
    /// Whose state it is.
    public let member: PublicKey
    /// The form of the elements.
    public let form: WireForm

    private let bytes: [UInt8]
    private let shapes: [HeldShape]
    /// Where the steps and numbers of each tensor lie.
    private let places: [Range<Int>]

    /// Finds the tensors of a state of a layout.
    ///
    /// - Throws: `updateTooLarge`, `malformed` for bytes that no writer makes, and
    ///   `updateUnknownTensor` or `updateShapeMismatch` for a state of another layout.
    /// - Complexity: O(bytes).
    public init(
        _ bytes: [UInt8], layout: AdapterLayout, byteCountMax: Int
    ) throws(RejectReason) {
        guard bytes.count <= byteCountMax else { throw .updateTooLarge }
        do {
            try self.init(reading: bytes, layout: layout)
        } catch let reason as RejectReason {
            throw reason
        } catch {
            throw .malformed
        }
    }

    private init(reading bytes: [UInt8], layout: AdapterLayout) throws {
        var reader = try CanonicalReader(bytes, domain: StateObjectCodec.domain)
        manifestDigest = try reader.readDigest()
        round = try reader.read()
        member = try reader.readKey()
        guard let form = WireForm(rawValue: try reader.read(UInt8.self)) else {
            throw RejectReason.malformed
        }
        self.form = form
        self.bytes = bytes
        let count = try reader.readCount(
            max: AdapterUpdateCodec.tensorCountMax, itemByteCount: 12)
        guard count == layout.entries.count else { throw RejectReason.updateShapeMismatch }
        let pairing = AdapterPairing(of: layout)
        var shapes: [HeldShape] = []
        var places: [Range<Int>] = []
        for (index, entry) in layout.entries.enumerated() {
            let name = try reader.readText(max: AdapterUpdateCodec.nameByteCountMax)
            guard name == entry.name else { throw RejectReason.updateUnknownTensor }
            let shape = try reader.readShape(rankMax: AdapterUpdateCodec.rankMax)
            guard shape == entry.shape else { throw RejectReason.updateShapeMismatch }
            let held = HeldShape(
                shape: shape, axis: pairing.role(of: index)?.factor.axis, directions: nil)
            let byteCount = form.byteCount(
                elementCount: shape.elementCount, stepCount: held.heldCount)
            let start = reader.offset
            _ = try reader.read(rawCount: byteCount)
            shapes.append(held)
            places.append(start..<start + byteCount)
        }
        try reader.finish()
        self.shapes = shapes
        self.places = places
    }

    /// The greatest step: no number times it leaves the Floats.
    static func stepMax(_ magnitudeMax: Int64) -> Float {
        (Float.greatestFiniteMagnitude / Float(magnitudeMax)).nextDown
    }

    /// The elements of the tensor at a place of the layout.
    ///
    /// - Throws: `updateNonFinite`, `malformed` for numbers that no writer makes.
    /// - Complexity: O(elements).
    public func values(of index: Int) throws(RejectReason) -> [Float] {
        do {
            return try read(index)
        } catch let reason as RejectReason {
            throw reason
        } catch {
            throw .malformed
        }
    }

    private func read(_ index: Int) throws -> [Float] {
        var reader = CanonicalReader(Array(bytes[places[index]]))
        let held = shapes[index]
        let count = held.shape.elementCount
        guard let magnitudeMax = form.magnitudeMax else {
            let words = try reader.readLittleEndianWords(count: count)
            let values = words.map { Float(bitPattern: $0) }
            guard values.allSatisfy(\.isFinite) else { throw RejectReason.updateNonFinite }
            return values
        }
        let steps = try reader.readLittleEndianWords(count: held.heldCount).map {
            Float(bitPattern: $0)
        }
        let stepMax = Self.stepMax(magnitudeMax)
        guard steps.allSatisfy({ $0 >= 0 && $0 <= stepMax }) else {
            throw RejectReason.updateNonFinite
        }
        let raw = try reader.read(rawCount: reader.remainingCount)
        var values = [Float](repeating: 0, count: count)
        var greatest: Int64 = 0
        held.forEach { place, whole, slice in
            let number =
                form == .int8
                ? Int8(bitPattern: raw[place])
                // Shifted up and down again: the sign of four bits becomes that of eight.
                : Int8(bitPattern: raw[place / 2] << (place % 2 == 0 ? 4 : 0)) >> 4
            greatest = max(greatest, abs(Int64(number)))
            values[whole] = Float(number) * steps[slice]
        }
        guard greatest <= magnitudeMax else { throw RejectReason.malformed }
        if form == .int4, count % 2 == 1, let last = raw.last, last >> 4 != 0 {
            throw RejectReason.malformed
        }
        return values
    }
}

/// A state that a mean reads, in floats or as its object.
public enum StateSource: Sendable {
    /// The own state.
    case tensors(NamedTensors)
    /// One that arrived.
    case object(StateView)

    /// The elements of the tensor at a place of the layout.
    func values(of index: Int) throws(RejectReason) -> [Float] {
        switch self {
        case .tensors(let tensors): tensors.elements[index].tensor.values
        case .object(let view): try view.values(of: index)
        }
    }
}

extension FactorPair {
    /// Reads a pair of a state.
    init(_ pair: AdapterPairing.Pair, in source: StateSource) throws(RejectReason) {
        self.init(zerosOf: pair)
        let a = try source.values(of: pair.input)
        let b = try source.values(of: pair.output)
        // A is [rank, input], row-major: its values are the columns of A^T.
        input.values = a.map(Double.init)
        for row in 0..<pair.outputSize {
            for column in 0..<pair.rank {
                output[row, column] = Double(b[row * pair.rank + column])
            }
        }
    }
}
