public import Cryptography
public import Tensors

/// An adapter state as a gossiping member sends it.
public struct StateObject: Hashable, Sendable {
    /// The federation.
    public let manifestDigest: Digest
    /// The round.
    public let round: UInt64
    /// Whose state it is.
    public let member: PublicKey
    /// The form in which the elements travelled.
    public let form: WireForm
    /// The state: what every reader of the object computes with.
    public let state: NamedTensors

    /// What is known of this object without its bytes, with the sender's word about the rest.
    public func summary(
        bytes: [UInt8], base: ObjectID, exampleCount: Int
    ) -> UpdateSummary {
        UpdateSummary(
            objectID: ContentAddress.id(of: bytes), member: member, round: round,
            baseAdapterDigest: base, exampleCount: exampleCount, byteCount: bytes.count)
    }
}

/// The bytes of a gossiped state.
///
/// `"starling/gossip-state/1\0"`, manifest digest (32), round (8), member (32), form (1), tensor
/// count (4); per tensor: name (length 4, UTF-8), rank (4), extents (4 each), then in the form
/// `ring32` the elements as Float32 (4 each), in the short forms a step (Float32) for each direction
/// of a low-rank half, or one for any other tensor, and a signed number for each element, one byte
/// or two in a byte with the first in the low half. An element is its number times its step.
/// Floats are little-endian, everything else big-endian; names ascend by their UTF-8 bytes.
public enum StateObjectCodec {
    static let domain: StaticString = "starling/gossip-state/1"
    /// Domain, manifest, round, member, form and tensor count.
    private static let headerByteCount = 24 + 32 + 8 + 32 + 1 + 4

    /// The bytes of every state of a layout: what the `updateByteCountMax` of a manifest that gossips
    /// has to allow.
    public static func byteCount(of layout: AdapterLayout, form: WireForm) -> Int {
        let pairing = AdapterPairing(of: layout)
        return layout.entries.enumerated().reduce(headerByteCount) { sum, item in
            let (index, entry) = item
            let stepCount = pairing.role(of: index)?.pair.rank ?? 1
            return sum + 4 + entry.name.utf8.count + 4 + 4 * entry.shape.extents.count
                + form.byteCount(
                    elementCount: entry.shape.elementCount, stepCount: stepCount)
        }
    }

    /// Writes a state whose elements are finite.
    ///
    /// Short forms round each element up or down by chance, so that the mean over many rounds is
    /// the element; the chance is drawn from manifest, round and member. With `roundsDown` elements
    /// are rounded to zero instead, which never makes the state longer.
    ///
    /// - Complexity: O(bytes).
    public static func encode(
        _ state: NamedTensors, manifest: SignedManifest, round: UInt64, member: PublicKey,
        roundsDown: Bool = false
    ) -> [UInt8] {
        let form = manifest.manifest.aggregation.wireForm
        let layout = AdapterLayout(of: state)
        let pairing = AdapterPairing(of: layout)
        var head = CanonicalWriter(domain: "starling/gossip-rounding/1")
        head.write(raw: manifest.digest.bytes)
        head.write(round)
        head.write(raw: member.bytes)
        var generator = SplitMix64(seed: Hashing.blake2b256(head.bytes).leadingInteger)
        var writer = CanonicalWriter(domain: domain)
        writer.write(raw: manifest.digest.bytes)
        writer.write(round)
        writer.write(raw: member.bytes)
        writer.write(form.rawValue)
        writer.write(count: state.elements.count)
        for (index, element) in state.elements.enumerated() {
            writer.write(element.name)
            writer.write(count: element.tensor.shape.extents.count)
            for extent in element.tensor.shape.extents { writer.write(count: extent) }
            let values = element.tensor.values
            guard let magnitudeMax = form.magnitudeMax else {
                writer.write(littleEndianWords: values.map(\.bitPattern))
                continue
            }
            let held = HeldShape(
                shape: element.tensor.shape, axis: pairing.role(of: index)?.factor.axis,
                directions: nil)
            let steps = steps(of: values, held, magnitudeMax: magnitudeMax)
            writer.write(littleEndianWords: steps.map(\.bitPattern))
            var numbers: [Int8] = []
            numbers.reserveCapacity(values.count)
            held.forEach { _, whole, slice in
                guard steps[slice] > 0 else { return numbers.append(0) }
                let exact = Double(values[whole]) / Double(steps[slice])
                let offset = roundsDown ? 0 : generator.fraction()
                let number =
                    roundsDown ? exact.rounded(.towardZero) : (exact + offset).rounded(.down)
                let limit = Double(magnitudeMax)
                numbers.append(Int8(min(max(number, -limit), limit)))
            }
            writer.write(raw: form == .int8 ? numbers.map(UInt8.init(bitPattern:)) : pack(numbers))
        }
        return writer.bytes
    }

    /// The greatest magnitude of each direction over the greatest number, rounded up to a Float.
    private static func steps(
        of values: [Float], _ held: HeldShape, magnitudeMax: Int64
    ) -> [Float] {
        var greatest = [Float](repeating: 0, count: held.heldCount)
        held.forEach { _, whole, slice in
            greatest[slice] = max(greatest[slice], abs(values[whole]))
        }
        let limit = StateView.stepMax(magnitudeMax)
        return greatest.map { magnitude in
            let step = magnitude / Float(magnitudeMax)
            // Below this the numbers would not reach the magnitude any more.
            guard step.isNormal else { return 0 }
            return min(step * Float(magnitudeMax) < magnitude ? step.nextUp : step, limit)
        }
    }

    private static func pack(_ numbers: [Int8]) -> [UInt8] {
        stride(from: 0, to: numbers.count, by: 2).map { index in
            let high = index + 1 < numbers.count ? UInt8(bitPattern: numbers[index + 1]) : 0
            return UInt8(bitPattern: numbers[index]) & 15 | high << 4
        }
    }
}

extension StateObjectCodec {
    /// Reads a state of a layout.
    ///
    /// - Throws: as ``StateView/init(_:layout:byteCountMax:)`` and ``StateView/values(of:)``.
    public static func decode(
        _ bytes: [UInt8], layout: AdapterLayout, byteCountMax: Int
    ) throws(RejectReason) -> StateObject {
        let view = try StateView(bytes, layout: layout, byteCountMax: byteCountMax)
        var elements: [NamedTensors.Element] = []
        for (index, entry) in layout.entries.enumerated() {
            let values = try view.values(of: index)
            elements.append(
                .init(name: entry.name, tensor: FloatTensor(shape: entry.shape, values: values)))
        }
        return StateObject(
            manifestDigest: view.manifestDigest, round: view.round, member: view.member,
            form: view.form, state: NamedTensors(elements))
    }
}
