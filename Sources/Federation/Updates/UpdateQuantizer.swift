public import Cryptography
public import Tensors

/// Turns a trained delta into ring integers.
///
/// q = stochastic round(clip(delta) * (w / W) * 2^f), unbiased: the fraction decides the chance
/// of rounding up, from local randomness that nobody else has to know.
public struct UpdateQuantizer: Sendable {
    /// An update and what was done to the delta.
    public struct Quantized: Hashable, Sendable {
        /// The update.
        public let update: AdapterUpdate
        /// The delta's L2 norm before anything was done.
        public let norm: Double
        /// Whether the delta was scaled down to the norm bound.
        public let isScaledToBound: Bool
        /// The elements that were cut to the clip magnitude.
        public let clippedCount: Int
    }

    let manifest: Manifest
    let manifestDigest: Digest

    /// A quantiser with the federation's ring and bound.
    public init(manifest: SignedManifest) {
        self.manifest = manifest.manifest
        manifestDigest = manifest.digest
    }

    /// Quantises a whole delta (trained minus base) under a manifest of version 1.
    ///
    /// - Throws: `updateNonFinite` for a value that is not finite, `updateWeightInvalid` for an
    ///   example count outside 1...W.
    /// - Complexity: O(elements).
    public func quantize(
        delta: NamedTensors, exampleCount: Int, round: UInt64, base: ObjectID,
        member: PublicKey, using generator: inout some RandomNumberGenerator
    ) throws(RejectReason) -> Quantized {
        let unit = manifest.ring.weightUnit
        guard (1...unit).contains(exampleCount) else { throw .updateWeightInvalid }
        var squares = 0.0
        for element in delta.elements {
            for value in element.tensor.values {
                guard value.isFinite else { throw .updateNonFinite }
                squares += Double(value) * Double(value)
            }
        }
        let norm = squares.squareRoot()
        let isScaled = norm > manifest.normBound
        let shrink = isScaled ? manifest.normBound / norm : 1
        let ring = RingScale(manifest: manifest, weight: exampleCount)
        var clippedCount = 0
        let tensors = delta.elements.map { element in
            let words = element.tensor.values.map { value in
                let scaled = Double(value) * shrink
                if abs(scaled) > manifest.ring.clipMagnitude { clippedCount += 1 }
                return ring.word(of: scaled, using: &generator)
            }
            return AdapterUpdate.RingTensor(
                name: element.name, shape: element.tensor.shape, weight: exampleCount,
                words: words)
        }
        let update = AdapterUpdate(
            manifestDigest: manifestDigest, round: round, baseAdapterDigest: base,
            member: member, exampleCount: exampleCount, tensors: tensors)
        return Quantized(
            update: update, norm: norm, isScaledToBound: isScaled, clippedCount: clippedCount)
    }
}

/// The way from a value to a ring integer of one weight, and the bounds that follow from it.
struct RingScale {
    /// The clip magnitude.
    let clip: Double
    /// w / W * 2^f: exact, for W is a power of two.
    let factor: Double
    /// The greatest magnitude that a word can have.
    let wordMagnitudeMax: Int64

    init(manifest: Manifest, weight: Int) {
        clip = manifest.ring.clipMagnitude
        factor =
            Double(weight) / Double(manifest.ring.weightUnit)
            * Double(1 << manifest.ring.fractionBitCount)
        wordMagnitudeMax = Int64((clip * factor).rounded(.up))
    }

    func word(of value: Double, using generator: inout some RandomNumberGenerator) -> UInt32 {
        let exact = min(max(value, -clip), clip) * factor
        let floor = exact.rounded(.down)
        // 53 random bits make a uniform number in 0..<1 on the grid of a Double's fraction.
        let uniform = Double(generator.next() >> 11) * 0x1p-53
        let rounded = Int64(floor) + (uniform < exact - floor ? 1 : 0)
        return UInt32(truncatingIfNeeded: rounded)
    }
}
