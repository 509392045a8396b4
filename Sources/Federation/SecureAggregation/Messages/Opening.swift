internal import Cryptography

/// M7: the one statement of a round after which nothing may be tried again.
struct SecureCommit: SecureBody {
    static let kind = SecureFrame.Kind.commit
    let participants: MemberSet
    let dropped: MemberSet
    let sumDigest: Digest

    init(participants: MemberSet, dropped: MemberSet, sumDigest: Digest) {
        self.participants = participants
        self.dropped = dropped
        self.sumDigest = sumDigest
    }

    func write(to writer: inout CanonicalWriter) {
        writer.write(participants)
        writer.write(dropped)
        writer.write(raw: sumDigest.bytes)
    }

    init(reading reader: inout CanonicalReader) throws(CanonicalError) {
        participants = try reader.readSet()
        dropped = try reader.readSet()
        sumDigest = try reader.readDigest()
    }
}

/// M8: the commit certificate, and one share for each survivor: of its own mask where it takes
/// part, of its pair masks where it dropped out.
struct SecureReveal: SecureBody {
    static let kind = SecureFrame.Kind.reveal
    let commit: SecureCommit
    let signatures: [Signature]
    let shares: [Share]

    struct Signature: Hashable, Sendable {
        let member: Int
        /// The view in which it signed; equal content counts together whatever the views.
        let view: Int
        let signature: [UInt8]
    }

    struct Share: Hashable, Sendable {
        let member: Int
        let share: [UInt8]
    }

    init(commit: SecureCommit, signatures: [Signature], shares: [Share]) {
        self.commit = commit
        self.signatures = signatures
        self.shares = shares
    }

    func write(to writer: inout CanonicalWriter) {
        commit.write(to: &writer)
        writer.write(index: signatures.count)
        for item in signatures {
            writer.write(index: item.member)
            writer.write(index: item.view)
            writer.write(raw: item.signature)
        }
        writer.write(index: shares.count)
        for item in shares {
            writer.write(index: item.member)
            writer.write(raw: item.share)
        }
    }

    init(reading reader: inout CanonicalReader) throws(CanonicalError) {
        commit = try SecureCommit(reading: &reader)
        var signatures: [Signature] = []
        let signatureCount = try reader.readItemCount(
            max: SecureThresholds.memberCountMax, itemByteCount: 68)
        for _ in 0..<signatureCount {
            signatures.append(
                Signature(
                    member: try reader.readIndex(), view: try reader.readIndex(),
                    signature: try reader.readSignature()))
        }
        self.signatures = signatures
        var shares: [Share] = []
        let shareCount = try reader.readItemCount(
            max: SecureThresholds.memberCountMax, itemByteCount: 34)
        for _ in 0..<shareCount {
            shares.append(
                Share(member: try reader.readIndex(), share: try reader.read(rawCount: 32)))
        }
        self.shares = shares
    }
}

/// M9: what the round came to.
struct SecureResult: SecureBody {
    static let kind = SecureFrame.Kind.result
    let participants: MemberSet
    let totalDigest: Digest
    let adapterDigest: Digest

    init(participants: MemberSet, totalDigest: Digest, adapterDigest: Digest) {
        self.participants = participants
        self.totalDigest = totalDigest
        self.adapterDigest = adapterDigest
    }

    func write(to writer: inout CanonicalWriter) {
        writer.write(participants)
        writer.write(raw: totalDigest.bytes)
        writer.write(raw: adapterDigest.bytes)
    }

    init(reading reader: inout CanonicalReader) throws(CanonicalError) {
        participants = try reader.readSet()
        totalDigest = try reader.readDigest()
        adapterDigest = try reader.readDigest()
    }
}
