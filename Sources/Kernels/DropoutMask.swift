/// What is dropped at one place of a model while one batch passes it.
public struct DropoutMask: Hashable, Sendable {
    /// 2^32 p, rounded: random words below it drop their element.
    let threshold: UInt32
    /// 1 / (1 - p).
    let scale: Float
    let key: UInt64
    let plane: UInt32
    let firstSequence: Int
    let sequenceLength: Int

    /// Makes the mask of one place.
    ///
    /// - Parameters:
    ///   - plan: what is dropped in the whole step.
    ///   - layer: below 2^24.
    ///   - site: which of a layer's places, below 256.
    ///   - sequenceLength: the rows of a sequence, T; at least 1.
    public init(_ plan: DropoutPlan, layer: Int, site: Int, sequenceLength: Int) {
        precondition(
            (0..<1 << 24).contains(layer) && (0..<256).contains(site) && sequenceLength > 0,
            "layer \(layer), site \(site), \(sequenceLength) positions"
        )
        // The largest p below 1 would round to 2^32.
        threshold = UInt32(min((plan.probability * 0x1p32).rounded(), 0x1p32 - 1))
        scale = Float(1 / (1 - plan.probability))
        key = plan.key
        plane = UInt32(layer) << 8 | UInt32(site)
        firstSequence = plan.firstSequence
        self.sequenceLength = sequenceLength
    }
}
