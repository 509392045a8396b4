public import Cryptography
internal import Tensors

/// The opened sum of one group, as an object that all members of the federation fetch.
///
/// Every member of the group that opened the sum makes the same bytes and announces them with its
/// signature; so many announcements as it takes to open a sum are the group's certificate.
///
/// Layout: `"starling/group-sum/1\0"`, manifest digest (32), round (8), base adapter (32), members of
/// the group and participants (count 4, 32 each; ascending), weight (4), words (count 4; 4 each,
/// little-endian).
public struct GroupSum: Hashable, Sendable {
    static let domain: StaticString = "starling/group-sum/1"
    /// The bytes but for the words, with as many members as there can be.
    static let headByteCountMax =
        21 + 32 + 8 + 32 + 2 * (4 + 32 * SecureThresholds.memberCountMax) + 4 + 4

    /// The federation.
    public let manifestDigest: Digest
    /// The round.
    public let round: UInt64
    /// The adapter that training started from.
    public let baseAdapterDigest: ObjectID
    /// The group's members, of whom the sum's roster consists, in ascending order.
    public let members: [PublicKey]
    /// Whose updates are in the sum, in ascending order.
    public let participants: [PublicKey]
    /// The sum of their weights.
    public let weight: UInt32
    /// The summed vector, laid out as ``SecureVectorLayout`` says.
    public let words: [UInt32]

    /// Collects the fields.
    public init(
        manifestDigest: Digest, round: UInt64, baseAdapterDigest: ObjectID,
        members: [PublicKey], sum: SecureSum
    ) {
        self.manifestDigest = manifestDigest
        self.round = round
        self.baseAdapterDigest = baseAdapterDigest
        self.members = members
        participants = sum.participants
        weight = sum.weight
        words = sum.words
    }

    /// The object's bytes.
    public var bytes: [UInt8] {
        var writer = CanonicalWriter(domain: Self.domain)
        writer.write(raw: manifestDigest.bytes)
        writer.write(round)
        writer.write(raw: baseAdapterDigest.bytes)
        for keys in [members, participants] {
            writer.write(count: keys.count)
            for key in keys { writer.write(raw: key.bytes) }
        }
        writer.write(weight)
        writer.write(count: words.count)
        writer.write(littleEndianWords: words)
        return writer.bytes
    }

    /// Reads an object of at most so many bytes.
    ///
    /// - Throws: `updateTooLarge` or `malformed`.
    public init(bytes: [UInt8], byteCountMax: Int) throws(RejectReason) {
        guard bytes.count <= byteCountMax else { throw .updateTooLarge }
        do {
            try self.init(reading: bytes)
        } catch {
            throw .malformed
        }
    }

    private init(reading bytes: [UInt8]) throws(CanonicalError) {
        var reader = try CanonicalReader(bytes, domain: Self.domain)
        manifestDigest = try reader.readDigest()
        round = try reader.read()
        baseAdapterDigest = try reader.readDigest()
        var lists: [[PublicKey]] = []
        for _ in 0..<2 {
            var keys: [PublicKey] = []
            let count = try reader.readCount(
                max: SecureThresholds.memberCountMax, itemByteCount: PublicKey.byteCount)
            for _ in 0..<count { keys.append(try reader.readKey()) }
            lists.append(keys)
        }
        members = lists[0]
        participants = lists[1]
        weight = try reader.read()
        let count = try reader.readCount(max: bytes.count / 4, itemByteCount: 4)
        words = try reader.readLittleEndianWords(count: count)
        try reader.finish()
    }

    /// What a member announces of the object, which is the same for all of the group but for the
    /// member; a group counts as one example.
    public static func summary(
        of bytes: [UInt8], member: PublicKey, round: UInt64, base: ObjectID
    ) -> UpdateSummary {
        UpdateSummary(
            objectID: ContentAddress.id(of: bytes), member: member, round: round,
            baseAdapterDigest: base, exampleCount: 1, byteCount: bytes.count)
    }

    /// The sum as the round opened it.
    var sum: SecureSum {
        SecureSum(
            participants: participants, words: words, weight: weight,
            digest: Self.totalDigest(of: words, weight: weight))
    }

    /// BLAKE2b-256 of the words and the weight behind them.
    static func totalDigest(of words: [UInt32], weight: UInt32) -> Digest {
        var writer = CanonicalWriter()
        writer.write(littleEndianWords: words + [weight])
        return Hashing.blake2b256(writer.bytes)
    }

    /// Checks a group's sum: its participants, and what honest ones can have put in.
    ///
    /// That it is the sum of a drawn group is what the announcements of its members say, and not
    /// asked of the object: else one of them could have it refused everywhere.
    ///
    /// - Throws: the reason why it must not be aggregated.
    func check(
        manifest: SignedManifest, layout: AdapterLayout, round: UInt64, base: ObjectID
    ) throws(RejectReason) {
        guard let secure = manifest.manifest.secure, manifestDigest == manifest.digest else {
            throw .manifestMismatch
        }
        guard self.round == round else { throw .updateWrongRound }
        guard baseAdapterDigest == base else { throw .updateWrongBase }
        guard members.count >= SecureThresholds.memberCountMin,
            ChainState.isAscending(members), ChainState.isAscending(participants),
            Set(participants).isSubset(of: members),
            participants.count
                >= SecureThresholds(
                    memberCount: members.count, memberMinimum: secure.memberMinimum
                ).participantMinimum
        else { throw .malformed }
        let step = AggregationRound(manifest: manifest, layout: layout, round: round)
        _ = try step.secureVector.sums(of: sum)
    }
}

extension AdapterLayout {
    /// The bytes of a group's sum at most.
    var groupSumByteCount: Int {
        let pairing = AdapterPairing(of: self)
        return entries.indices.reduce(GroupSum.headByteCountMax) { sum, index in
            sum + 4 * entries[index].shape.elementCount
                + 4 * (pairing.role(of: index)?.pair.rank ?? 1)
        }
    }
}
