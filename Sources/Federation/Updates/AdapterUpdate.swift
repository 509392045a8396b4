public import Cryptography
public import Tensors

/// A member's contribution to a round: ring integers per tensor.
public struct AdapterUpdate: Hashable, Sendable {
    /// One tensor that the member holds.
    public struct RingTensor: Hashable, Sendable {
        /// The tensor's name in the adapter.
        public let name: String
        /// The whole tensor's shape.
        public let shape: Shape
        /// The axis of its directions: 0 for A, 1 for B, `nil` where there are none.
        public let axis: Int?
        /// The directions that the member trained, ascending; `nil` for all.
        public let directions: [Int]?
        /// The examples that trained it, 1...W.
        public let weight: Int
        /// How the words travel.
        public let form: WireForm
        /// In a short form the step of each direction held, above 0; else empty.
        public let steps: [UInt32]
        /// Held element e is round(clip(delta e) * weight / W * 2^f) modulo 2^32, row-major.
        public let words: [UInt32]

        /// A whole tensor in ring integers, as many as the shape has elements.
        public init(name: String, shape: Shape, weight: Int, words: [UInt32]) {
            self.init(
                name: name, held: HeldShape(shape: shape, axis: nil, directions: nil),
                weight: weight, form: .ring32, steps: [], words: words)
        }

        /// The held part of a tensor.
        init(
            name: String, held: HeldShape, weight: Int, form: WireForm, steps: [UInt32],
            words: [UInt32]
        ) {
            precondition(
                words.count == held.elementCount,
                "\(words.count) words for \(held.elementCount) elements of \(name)")
            precondition(
                steps.count == (form == .ring32 ? 0 : held.heldCount),
                "\(steps.count) steps for \(held.heldCount) directions of \(name)")
            self.name = name
            shape = held.shape
            axis = held.axis
            directions = held.directions
            self.weight = weight
            self.form = form
            self.steps = steps
            self.words = words
        }

        /// The part of the tensor that is held.
        var held: HeldShape { HeldShape(shape: shape, axis: axis, directions: directions) }
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
    /// The optimizer steps behind the update; 0 in an update of the first layout, which has no
    /// place for them.
    public let stepCount: Int
    /// The tensors in ascending order of their names' UTF-8 bytes.
    public let tensors: [RingTensor]

    /// Takes tensors in order of their names.
    public init(
        manifestDigest: Digest, round: UInt64, baseAdapterDigest: ObjectID, member: PublicKey,
        exampleCount: Int, stepCount: Int = 0, tensors: [RingTensor]
    ) {
        self.manifestDigest = manifestDigest
        self.round = round
        self.baseAdapterDigest = baseAdapterDigest
        self.member = member
        self.exampleCount = exampleCount
        self.stepCount = stepCount
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
