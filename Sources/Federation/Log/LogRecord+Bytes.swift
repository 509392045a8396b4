public import Cryptography

/// What a log leaf holds of a record.
extension LogRecord {
    private static let domain: StaticString = "starling/record/1"

    /// The record in a fixed layout, at most 65,535 bytes: `"starling/record/1\0" || kind (2)`,
    /// then the fields that `docs/protocol/federation.md` lists for the kind.
    public var payload: [UInt8] {
        var writer = CanonicalWriter(domain: Self.domain)
        writer.write(kind)
        switch self {
        case .joined(let member, let height):
            writer.write(raw: member.bytes)
            writer.write(height)
        case .departed(let member, let height, let reason):
            writer.write(raw: member.bytes)
            writer.write(height)
            switch reason {
            case .announced: writer.write(UInt32(0))
            case .silentRounds(let count): writer.write(count: count)
            case .revoked: writer.write(UInt32.max)
            }
        case .updateAnnounced(let item), .updateLate(let item):
            writer.write(raw: DurableRecord.bytes(of: item.summary))
        case .updateReceived(let summary):
            writer.write(raw: DurableRecord.bytes(of: summary))
        case .updateRefused(let summary, let reason):
            writer.write(raw: DurableRecord.bytes(of: summary))
            writer.write(reason.rawValue)
        case .aggregated(let result):
            writer.write(raw: result.bytes)
        case .certified(let entry):
            writer.write(raw: entry.result.bytes)
            writer.write(prefixed: entry.proposal.canonicalBytes)
        case .equivocation(let found):
            writer.write(raw: found.member.bytes)
            writer.write(found.subject.rawValue)
            writer.write(found.height)
            writer.write(found.view)
        case .peerRefused(let member, let reason):
            writer.write(raw: member.bytes)
            writer.write(reason.rawValue)
        case .logFork(let member, _):
            writer.write(raw: member.bytes)
        case .mixed(let record):
            writer.write(raw: record.payload)
        case .secureConviction(let evidence, let round):
            writer.write(raw: evidence.member.bytes)
            writer.write(round)
        case .secureSumOpened(let round, let totalDigest, let transcript):
            writer.write(round)
            writer.write(raw: totalDigest.bytes)
            writer.write(raw: transcript.bytes)
        case .admitted(let chain):
            let certificate = chain.leaf
            writer.write(raw: certificate.node.bytes)
            writer.write(raw: certificate.id.bytes)
            writer.write(certificate.serial)
            writer.write(certificate.terms.notAfter)
            writer.write(raw: certificate.invite?.key.bytes ?? Digest.zero.bytes)
        case .revoked(let revocation):
            writer.write(raw: revocation.node.bytes)
            writer.write(raw: revocation.certificateID.bytes)
            writer.write(revocation.chain.leaf.serial)
            writer.write(revocation.timeSeconds)
        case .inviteOverused(let invite, let node, let count):
            writer.write(raw: invite.bytes)
            writer.write(raw: node.bytes)
            writer.write(count: count)
        }
        return writer.bytes
    }

    /// The signed bytes that prove the record; empty where this node's word is all there is.
    ///
    /// An announcement: its signature (64). A departure that was announced: the leave's
    /// `memberSince` (8) and signature (64). An entry: ``CertifiedEntry/bytes``. An equivocation:
    /// both statements with their signatures, each with its length (4) in front. A forked log: the
    /// text that `starling verify` reads. A certificate or revocation: itself.
    public var evidence: [UInt8] {
        switch self {
        case .updateAnnounced(let item), .updateLate(let item): return item.signature
        case .departed(_, _, .announced(let leave)):
            var writer = CanonicalWriter()
            writer.write(leave.memberSince)
            writer.write(raw: leave.signature)
            return writer.bytes
        case .certified(let entry): return entry.bytes
        case .equivocation(let found):
            var writer = CanonicalWriter()
            writer.write(prefixed: found.first)
            writer.write(prefixed: found.second)
            return writer.bytes
        case .logFork(_, let evidence): return evidence
        case .mixed(let record): return record.signatures.flatMap { $0 }
        case .secureConviction(let evidence, _): return evidence.bytes
        case .departed(_, _, .revoked(let revocation)), .revoked(let revocation):
            return revocation.bytes
        case .admitted(let chain): return chain.bytes
        case .joined, .departed, .updateReceived, .updateRefused, .aggregated, .peerRefused,
            .secureSumOpened, .inviteOverused:
            return []
        }
    }
}

/// What an auditor reads from the payloads of the log.
public enum LogRecordReader {
    /// The parts of a payload that an audit of round sums needs.
    public enum Record: Hashable, Sendable {
        /// A certified result and what was decided.
        case certified(ResultStatement, Proposal)
        /// A result that the log's node signed.
        case aggregated(ResultStatement)
        /// An update that was announced, received or late.
        case update(kind: UInt16, UpdateSummary)
        /// An update that was refused.
        case updateRefused(UpdateSummary, RejectReason)
        /// A mean that the log's node formed, without the signatures.
        case mixed(MixRecord)
        /// A member signed two statements where only one is allowed.
        case equivocation(EquivocationClaim)
        /// A member's own signatures in a secure round convict it.
        case secureConviction(member: PublicKey, round: UInt64)
        /// The log's node opened a secure sum; the object is what it was opened from.
        case secureSumOpened(round: UInt64, totalDigest: Digest, transcript: ObjectID)
        /// Any other kind.
        case other(kind: UInt16)
    }

    /// Reads a payload.
    ///
    /// - Throws: `CanonicalError` for bytes that ``LogRecord/payload`` does not make.
    public static func read(_ payload: [UInt8]) throws(CanonicalError) -> Record {
        var reader = try CanonicalReader(payload, domain: "starling/record/1")
        let kind = try reader.read(UInt16.self)
        let rest = try reader.read(rawCount: reader.remainingCount)
        var fields = CanonicalReader(rest)
        switch kind {
        case 3, 4, 6: return .update(kind: kind, try DurableRecord.summary(bytes: rest))
        case 5:
            let summary = try DurableRecord.summary(bytes: Array(rest.dropLast(2)))
            var tail = CanonicalReader(Array(rest.suffix(2)))
            guard let reason = RejectReason(rawValue: try tail.read()) else {
                throw .malformed(offset: payload.count - 2)
            }
            return .updateRefused(summary, reason)
        case 7: return .aggregated(try ResultStatement(bytes: rest))
        case 8:
            let result = try fields.read(rawCount: ResultStatement.byteCount)
            let proposal = try fields.readPrefixed(max: Proposal.byteCountMax)
            try fields.finish()
            return .certified(
                try ResultStatement(bytes: result), try Proposal(canonicalBytes: proposal))
        case 11: return .mixed(try MixRecord(payload: rest))
        case 9: return .equivocation(try EquivocationClaim(bytes: rest))
        case 21:
            let member = try fields.readKey()
            let round = try fields.read(UInt64.self)
            try fields.finish()
            return .secureConviction(member: member, round: round)
        case 22:
            let round = try fields.read(UInt64.self)
            let total = try fields.readDigest()
            let transcript = try fields.readDigest()
            try fields.finish()
            return .secureSumOpened(round: round, totalDigest: total, transcript: transcript)
        case 1, 2, 10, LogRecord.logForkKind, 24, 25, 26: return .other(kind: kind)
        default: throw .malformed(offset: 18)
        }
    }
}

extension LogRecordReader {
    /// Whether the evidence beside a log entry proves what the entry says: the signature of an
    /// announcement, the certified entry of a result, the signatures that convict a member.
    ///
    /// A conviction in a round of a closed federation takes its network key, which ties the roster
    /// to the group. Other records need no proof of this kind.
    public static func isProven(
        _ record: Record, by evidence: [UInt8]?, manifest: Digest,
        networkKey: SecretBytes? = nil
    ) -> Bool {
        switch record {
        case .equivocation(let claim):
            return claim.isProven(by: evidence ?? [], manifest: manifest)
        case .secureConviction(let member, _):
            guard let found = try? SecureEvidence(bytes: evidence ?? []) else { return false }
            return found.member == member && found.federation == manifest
                && found.isProven(networkKey: networkKey)
        case .update(let kind, let summary) where kind != 4:
            guard let evidence else { return false }
            return SignedAnnouncement(summary: summary, signature: evidence)
                .isValid(manifest: manifest)
        case .certified(let result, let proposal):
            guard let evidence, let entry = try? CertifiedEntry(bytes: evidence) else {
                return false
            }
            return entry.result == result && entry.proposal == proposal
        case .mixed(let record):
            return record.isProven(by: evidence ?? [], manifest: manifest)
        case .aggregated, .update, .updateRefused, .secureSumOpened, .other:
            return true
        }
    }
}
