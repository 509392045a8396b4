public import Cryptography
public import Tensors

/// A member's contribution to a round: ring integers per tensor.
public struct AdapterUpdate: Hashable, Sendable {
    /// One tensor that the member holds.
    public struct RingTensor: Hashable, Sendable {
        /// The tensor's name in the adapter.
        public let name: String
        /// Its shape.
        public let shape: Shape
        /// The examples that trained it, 1...W.
        public let weight: Int
        /// Element e is round(clip(delta e) * weight / W * 2^f) modulo 2^32, row-major.
        public let words: [UInt32]

        /// Takes as many words as the shape has elements.
        public init(name: String, shape: Shape, weight: Int, words: [UInt32]) {
            precondition(
                words.count == shape.elementCount,
                "\(words.count) words for shape \(shape) of \(name)")
            self.name = name
            self.shape = shape
            self.weight = weight
            self.words = words
        }
    }

    /// The federation.
    public let manifestDigest: Digest
    /// The round.
    public let round: UInt64
    /// The adapter that training started from.
    public let baseAdapterDigest: ObjectID
    /// Who trained.
    public let member: PublicKey
    /// The examples that training saw, 1...W; no tensor's weight is above it.
    public let exampleCount: Int
    /// The tensors in ascending order of their names' UTF-8 bytes.
    public let tensors: [RingTensor]

    /// Takes tensors in order of their names.
    public init(
        manifestDigest: Digest, round: UInt64, baseAdapterDigest: ObjectID, member: PublicKey,
        exampleCount: Int, tensors: [RingTensor]
    ) {
        self.manifestDigest = manifestDigest
        self.round = round
        self.baseAdapterDigest = baseAdapterDigest
        self.member = member
        self.exampleCount = exampleCount
        self.tensors = tensors
    }

    /// The summary of this update, whose object has those bytes.
    public func summary(bytes: [UInt8]) -> UpdateSummary {
        UpdateSummary(
            objectID: ContentAddress.id(of: bytes), member: member, round: round,
            baseAdapterDigest: baseAdapterDigest, exampleCount: exampleCount,
            byteCount: bytes.count)
    }
}
