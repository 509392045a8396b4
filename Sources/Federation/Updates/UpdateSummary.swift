public import Cryptography

/// What is known of an update object without holding its bytes.
public struct UpdateSummary: Hashable, Sendable {
    /// The content address of the update object.
    public let objectID: ObjectID
    /// Who trained it.
    public let member: PublicKey
    /// The round it is for, from 1.
    public let round: UInt64
    /// The adapter that training started from.
    public let baseAdapterDigest: ObjectID
    /// The examples that training saw: the update's weight, 1...W.
    public let exampleCount: Int
    /// The size of the object.
    public let byteCount: Int

    /// Takes the fields; a summary from outside is checked by whoever reads it.
    public init(
        objectID: ObjectID, member: PublicKey, round: UInt64, baseAdapterDigest: ObjectID,
        exampleCount: Int, byteCount: Int
    ) {
        self.objectID = objectID
        self.member = member
        self.round = round
        self.baseAdapterDigest = baseAdapterDigest
        self.exampleCount = exampleCount
        self.byteCount = byteCount
    }
}
