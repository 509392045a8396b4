internal import Cryptography

extension AdmissionRegistry {
    /// Restores what a node's durable records hold.
    ///
    /// - Throws: `RestoreError.recordInvalid`, which means damage.
    public init(
        manifest: SignedManifest, records: [String: [UInt8]]
    ) throws(RestoreError) {
        self.init(manifest: manifest)
        var share = MembershipShare()
        for (key, value) in records.sorted(by: { $0.key < $1.key })
        where key.hasPrefix(DurableRecord.admissionPrefix) {
            do {
                if key.hasPrefix(DurableRecord.certificatePrefix) {
                    share.certificates.append(try MembershipChain(bytes: value))
                } else if key.hasPrefix(DurableRecord.revocationPrefix) {
                    share.revocations.append(try SignedRevocation(bytes: value))
                } else if key.hasPrefix(DurableRecord.inviteUsePrefix) {
                    try restoreUses(value)
                }
            } catch {
                throw .recordInvalid(key: key)
            }
        }
        take(share)
    }

    private mutating func restoreUses(_ value: [UInt8]) throws(CanonicalError) {
        var reader = CanonicalReader(value)
        let invite = try reader.readKey()
        let count = try reader.readCount(max: Self.countMax, itemByteCount: 32)
        var nodes: Set<PublicKey> = []
        for _ in 0..<count { nodes.insert(try reader.readKey()) }
        try reader.finish()
        restoreInviteUses(nodes, of: invite)
    }

    /// Takes in what holds; see also the instance of the protocol, which puts it on record.
    public mutating func take(_ share: MembershipShare) {
        _ = learn(share)
    }
}
