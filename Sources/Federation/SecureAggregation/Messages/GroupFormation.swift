internal import Cryptography

/// M0: a candidate's wish to take part, with its public keys of the round.
///
/// Signed before a group exists: group, sender and view are zero.
struct SecureJoin: SecureBody {
    static let kind = SecureFrame.Kind.join
    let manifestDigest: Digest
    let round: UInt64
    let member: PublicKey
    let baseDigest: Digest
    let schemaDigest: Digest
    let format: SecureVectorFormat
    let exchangeKey: [UInt8]
    let maskKey: [UInt8]
    let contribution: [UInt8]
    let expiresAtSeconds: UInt64

    init(policy: SecurePolicy, member: PublicKey, secrets: RoundSecrets, lifetime: UInt64) {
        manifestDigest = policy.manifestDigest
        round = policy.round
        self.member = member
        baseDigest = policy.baseDigest
        schemaDigest = policy.schemaDigest
        format = policy.format
        exchangeKey = secrets.exchange.publicKey
        maskKey = secrets.maskKey.point.bytes
        contribution = secrets.contribution
        expiresAtSeconds = policy.startedAtSeconds + lifetime
    }

    func write(to writer: inout CanonicalWriter) {
        writer.write(raw: manifestDigest.bytes)
        writer.write(littleEndian: round)
        writer.write(raw: member.bytes)
        writer.write(raw: baseDigest.bytes)
        writer.write(raw: schemaDigest.bytes)
        format.write(to: &writer)
        writer.write(raw: exchangeKey)
        writer.write(raw: maskKey)
        writer.write(raw: contribution)
        writer.write(littleEndian: expiresAtSeconds)
    }

    init(reading reader: inout CanonicalReader) throws(CanonicalError) {
        manifestDigest = try reader.readDigest()
        round = try reader.readLittleEndian()
        member = try reader.readKey()
        baseDigest = try reader.readDigest()
        schemaDigest = try reader.readDigest()
        format = try SecureVectorFormat(reading: &reader)
        exchangeKey = try reader.read(rawCount: AgreementKey.byteCount)
        maskKey = try reader.read(rawCount: RistrettoPoint.byteCount)
        contribution = try reader.read(rawCount: 16)
        expiresAtSeconds = try reader.readLittleEndian()
    }
}

/// M1: who is in the group and with which keys, by the hashes of their joins.
struct SecureRoster: SecureBody {
    static let kind = SecureFrame.Kind.roster
    let manifestDigest: Digest
    let round: UInt64
    let baseDigest: Digest
    let schemaDigest: Digest
    let format: SecureVectorFormat
    let memberMinimum: Int
    /// Reserved: the group's name decides the owners of shards.
    let shardSeed: [UInt8]
    let joins: [Digest]

    init(policy: SecurePolicy, joins: [Digest]) {
        manifestDigest = policy.manifestDigest
        round = policy.round
        baseDigest = policy.baseDigest
        schemaDigest = policy.schemaDigest
        format = policy.format
        memberMinimum = policy.memberMinimum
        shardSeed = SecureFrame.noGroup
        self.joins = joins
    }

    func write(to writer: inout CanonicalWriter) {
        writer.write(raw: manifestDigest.bytes)
        writer.write(littleEndian: round)
        writer.write(raw: baseDigest.bytes)
        writer.write(raw: schemaDigest.bytes)
        format.write(to: &writer)
        writer.write(index: memberMinimum)
        writer.write(raw: shardSeed)
        writer.write(index: joins.count)
        for join in joins { writer.write(raw: join.bytes) }
    }

    init(reading reader: inout CanonicalReader) throws(CanonicalError) {
        manifestDigest = try reader.readDigest()
        round = try reader.readLittleEndian()
        baseDigest = try reader.readDigest()
        schemaDigest = try reader.readDigest()
        format = try SecureVectorFormat(reading: &reader)
        memberMinimum = try reader.readIndex()
        shardSeed = try reader.read(rawCount: 32)
        let count = try reader.readItemCount(
            max: SecureThresholds.memberCountMax, itemByteCount: Digest.byteCount)
        var joins: [Digest] = []
        for _ in 0..<count { joins.append(try reader.readDigest()) }
        self.joins = joins
    }

    /// What the group's name is made of.
    func canonicalBytes(view: Int) -> [UInt8] {
        var writer = CanonicalWriter(domain: "psa1/roster")
        writer.write(littleEndian: UInt16(view))
        write(to: &writer)
        return writer.bytes
    }
}
