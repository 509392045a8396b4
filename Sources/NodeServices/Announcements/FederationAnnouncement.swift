internal import Cryptography
internal import Federation
internal import GossipLog

/// What a member tells the whole federation by gossip.
///
/// Layout: `starling/gossip/1` and a zero byte, manifest digest 32, kind 1, then by kind. Integers
/// are big-endian. The gossip message around it names and proves the author.
/// Source: docs/protocol/gossipsub.md, section on announcements.
struct FederationAnnouncement: Hashable, Sendable {
    /// What is told.
    enum Content: Hashable, Sendable {
        /// The author's update of a round can be fetched. Kind 1: round 8, object 32, bytes 8.
        case update(round: UInt64, object: ObjectID, byteCount: UInt64)
        /// The author holds the certified adapter of a height. Kind 2: height 8, round 8, adapter 32.
        case result(height: UInt64, round: UInt64, adapter: ObjectID)
        /// The author's log has come so far. Kind 3: the signed note, length 4.
        case treeHead([UInt8])
        /// A certified entry changed who is a member. Kind 4: height 8, member 32, joined 1.
        case membership(height: UInt64, member: PublicKey, hasJoined: Bool)
    }

    /// The greatest announcement; the specification's figure.
    static let byteCountMax = 4_096
    /// The longest signed tree head.
    static let treeHeadByteCountMax = 2_048

    private static let domain: StaticString = "starling/gossip/1"

    /// The digest of the manifest.
    let federation: Digest
    let content: Content

    init(federation: Digest, content: Content) {
        self.federation = federation
        self.content = content
    }

    /// Reads what a message carries.
    ///
    /// - Throws: `CanonicalError`, `malformed` also for a kind that is not known.
    init(bytes: [UInt8]) throws(CanonicalError) {
        guard bytes.count <= Self.byteCountMax else {
            throw .tooLong(offset: 0, count: bytes.count, allowed: Self.byteCountMax)
        }
        var reader = try CanonicalReader(bytes, domain: Self.domain)
        federation = try reader.readDigest()
        let offset = reader.offset
        switch try reader.read(UInt8.self) {
        case 1:
            content = .update(
                round: try reader.read(), object: try reader.readDigest(),
                byteCount: try reader.read())
        case 2:
            content = .result(
                height: try reader.read(), round: try reader.read(),
                adapter: try reader.readDigest())
        case 3:
            content = .treeHead(try reader.readPrefixed(max: Self.treeHeadByteCountMax))
        case 4:
            content = .membership(
                height: try reader.read(), member: try reader.readKey(),
                hasJoined: try reader.readBool())
        default:
            throw .malformed(offset: offset)
        }
        try reader.finish()
    }

    /// The bytes that a message carries.
    var bytes: [UInt8] {
        var writer = CanonicalWriter(domain: Self.domain)
        writer.write(raw: federation.bytes)
        switch content {
        case .update(let round, let object, let byteCount):
            writer.write(UInt8(1))
            writer.write(round)
            writer.write(raw: object.bytes)
            writer.write(byteCount)
        case .result(let height, let round, let adapter):
            writer.write(UInt8(2))
            writer.write(height)
            writer.write(round)
            writer.write(raw: adapter.bytes)
        case .treeHead(let note):
            writer.write(UInt8(3))
            writer.write(prefixed: note)
        case .membership(let height, let member, let hasJoined):
            writer.write(UInt8(4))
            writer.write(height)
            writer.write(raw: member.bytes)
            writer.write(UInt8(hasJoined ? 1 : 0))
        }
        return writer.bytes
    }
}
