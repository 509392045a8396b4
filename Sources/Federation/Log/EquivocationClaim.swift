public import Cryptography

/// What a log says of a member that signed two statements where only one is allowed.
public struct EquivocationClaim: Hashable, Sendable {
    /// The member.
    public let member: PublicKey
    /// What it said twice.
    public let subject: Equivocation.Subject
    /// The round of an announcement, else the height.
    public let height: UInt64
    /// The view of a proposal or commit, else 0.
    public let view: UInt64

    /// Reads the fields of the record: member (32), subject (2), height (8), view (8).
    init(bytes: [UInt8]) throws(CanonicalError) {
        var reader = CanonicalReader(bytes)
        member = try reader.readKey()
        let start = reader.offset
        guard let subject = Equivocation.Subject(rawValue: try reader.read()) else {
            throw .malformed(offset: start)
        }
        self.subject = subject
        height = try reader.read()
        view = try reader.read()
        try reader.finish()
    }

    /// Whether the evidence holds two different statements for that place that the member signed.
    func isProven(by evidence: [UInt8], manifest: Digest) -> Bool {
        var reader = CanonicalReader(evidence)
        guard let first = try? reader.readPrefixed(max: evidence.count),
            let second = try? reader.readPrefixed(max: evidence.count),
            reader.remainingCount == 0
        else { return false }
        guard let place = place(manifest: manifest) else {
            let domain = SecureFrame.domainBytes
            guard first.starts(with: domain), second.starts(with: domain) else { return false }
            return SecureEvidence.equivocation(
                member: member, first: Array(first.dropFirst(domain.count)),
                second: Array(second.dropFirst(domain.count))
            ).isProven(networkKey: nil)
        }
        let count = PublicKey.signatureByteCount
        let statements = [first, second].map { Array($0.dropLast(count)) }
        guard statements[0] != statements[1],
            statements.allSatisfy({ $0.starts(with: place) })
        else { return false }
        return zip(statements, [first, second]).allSatisfy { statement, signed in
            signed.count > count
                && member.isValidSignature(Array(signed.suffix(count)), for: statement)
        }
    }

    /// What statements for one place begin with: domain, manifest, height, and the view where there
    /// is one; `nil` for frames of secure rounds.
    private func place(manifest: Digest) -> [UInt8]? {
        let domain: StaticString
        switch subject {
        case .announcement: domain = SignedAnnouncement.domain
        case .proposal: domain = "starling/propose/1"
        case .commit: domain = "starling/commit/1"
        case .result: domain = ResultStatement.domain
        case .secureFrame: return nil
        }
        var writer = CanonicalWriter(domain: domain)
        writer.write(raw: manifest.bytes)
        writer.write(height)
        if subject == .proposal || subject == .commit { writer.write(view) }
        return writer.bytes
    }
}
