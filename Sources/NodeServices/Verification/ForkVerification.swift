internal import Checkpoints
public import Cryptography
internal import GossipLog

/// Checks a proof that a member's log has two histories, with nothing but its file.
public struct ForkVerification: Sendable {
    /// The member whose log it is.
    public let member: PublicKey
    /// The log's name, which begins with that of the federation.
    public let origin: String
    /// The first entry that differs; nil where only the roots of one size do.
    public let entryIndex: UInt64?

    /// Whether a file is such a proof, by its first line.
    public static func isEvidence(path: String) -> Bool {
        guard
            let bytes = try? FileSystem.read(path, byteCountMax: ForkEvidence.byteCountMax)
        else { return false }
        return bytes.starts(with: Array((ForkEvidence.firstLine + "\n").utf8))
    }

    /// Checks a file.
    ///
    /// - Throws: ``NodeError``: `verificationFailed` where it proves nothing, `storage` where it
    ///   can't be read.
    public static func verify(path: String) throws(NodeError) -> ForkVerification {
        let bytes: [UInt8]
        do {
            bytes = try FileSystem.read(path, byteCountMax: ForkEvidence.byteCountMax)
        } catch {
            throw NodeError(.storage, "\(path) can't be read.", cause: error)
        }
        let evidence: ForkEvidence
        let index: UInt64?
        do {
            evidence = try ForkEvidence(bytes: bytes)
            index = try evidence.verify()
        } catch {
            throw NodeError(.verificationFailed, "\(path) proves nothing: \(error).")
        }
        // The name says whose log it is; the key that signed must be that member's.
        guard let member = NodeLog.member(origin: evidence.key.name),
            evidence.key.publicKey == member
        else {
            throw NodeError(
                .verificationFailed,
                "\(path) proves nothing: its key is not that of the member in its name.")
        }
        return ForkVerification(member: member, origin: evidence.key.name, entryIndex: index)
    }
}
