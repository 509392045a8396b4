public import Cryptography
internal import Tensors

/// Decides whether an update object may be summed.
///
/// Every node comes to the same verdict on the same bytes: the only floating-point work is in one
/// fixed order.
public enum UpdateInspector {
    /// Checks an update object against the round it is to be part of.
    ///
    /// - Complexity: O(bytes).
    public static func check(
        _ bytes: [UInt8], manifest: SignedManifest, layout: AdapterLayout, round: UInt64,
        base: ObjectID, member: PublicKey
    ) -> Result<UpdateSummary, RejectReason> {
        do throws(RejectReason) {
            let limit = manifest.manifest.updateByteCountMax
            let update = try AdapterUpdateCodec.decode(bytes, byteCountMax: limit)
            guard update.manifestDigest == manifest.digest else { throw .manifestMismatch }
            guard update.round == round else { throw .updateWrongRound }
            guard update.baseAdapterDigest == base else { throw .updateWrongBase }
            guard update.member == member else { throw .updateNotAsAnnounced }
            try check(update, manifest: manifest.manifest, layout: layout)
            return .success(update.summary(bytes: bytes))
        } catch {
            return .failure(error)
        }
    }

    /// Checks the tensors: names, shapes, weights, the ring bound of each word and the norm
    /// bound of the whole delta.
    ///
    /// Stochastic rounding moves each element by less than one step of the ring; the slack of
    /// the norm is that step for every element, and 2^-10 for the arithmetic.
    static func check(
        _ update: AdapterUpdate, manifest: Manifest, layout: AdapterLayout
    ) throws(RejectReason) {
        guard (1...manifest.ring.weightUnit).contains(update.exampleCount),
            !update.tensors.isEmpty
        else { throw .updateWeightInvalid }
        var squares = 0.0
        var slackSquares = 0.0
        for tensor in update.tensors {
            guard let shape = layout.shape(of: tensor.name) else { throw .updateUnknownTensor }
            guard shape == tensor.shape else { throw .updateShapeMismatch }
            guard (1...update.exampleCount).contains(tensor.weight) else {
                throw .updateWeightInvalid
            }
            let ring = RingScale(manifest: manifest, weight: tensor.weight)
            var wordSquares = 0.0
            for word in tensor.words {
                let value = Int64(Int32(bitPattern: word))
                guard abs(value) <= ring.wordMagnitudeMax else { throw .updateRingOverflow }
                wordSquares += Double(value) * Double(value)
            }
            let step = 1 / ring.factor
            squares += wordSquares * step * step
            slackSquares += Double(tensor.words.count) * step * step
        }
        let allowed = manifest.normBound * (1 + 0x1p-10) + slackSquares.squareRoot()
        guard squares.squareRoot() <= allowed else { throw .updateNormExceeded }
    }
}
