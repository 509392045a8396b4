/// Why a manifest was not accepted.
public enum ManifestError: Error, Hashable, Sendable {
    /// The fields that have a range.
    public enum Field: String, Hashable, Sendable {
        case version, name, baseModelName, rank, alpha, targets, roundCount, localStepCount
        case batchSize, sequenceLength, learningRate, warmupStepCount, weightDecay
        case fractionBitCount, clipMagnitude, weightUnit, normBound, startMemberCount
        case quorumMinimum, absentRoundCountMax, updateByteCountMax
        case outerLearningRate, outerMomentum, proximalStrength
        case readStateSize, readLearningRate
        case groupMemberCountMax, fanOut, stalenessHalfLife, settlingRoundCount
        case memberMinimum, issuers
        case liarCount, clipRadius, groupMemberCount
    }

    /// A value outside its range; `actual` is the value and `allowed` the range, as text.
    case outOfRange(field: Field, actual: String, allowed: String)
    /// No aggregator has that name.
    case unknownAggregator(String)
    /// Gossip knows no common consensus, which that rule or option needs.
    case aggregatorNeedsGroup(String)
    /// Secure rounds need something else of the manifest; the text says what, instead of what.
    case secureNeeds(String)
    /// The rule against liars needs something else of the manifest; the text says what, instead of
    /// what.
    case ruleNeeds(String)
    /// The bytes cannot be read.
    case unreadable(CanonicalError)
    /// The bytes have another version.
    case unknownVersion(UInt16)
    /// The bytes can be read, but a writer would make others.
    case notCanonical
    /// The signature is not the author's.
    case signatureInvalid
}
