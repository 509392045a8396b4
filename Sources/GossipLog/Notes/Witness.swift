/// Decides about requests to cosign; what it signed last is kept by who asks it.
///
/// Signs a head only if the log signed it and proves that it continues the last one: then no two
/// histories of one log both have this witness's signature.
/// Source: C2SP tlog-witness.
public struct Witness: Sendable {
    /// What is to be done about a request.
    public enum Verdict: Hashable, Sendable {
        /// The head may be cosigned, once it is stored as the last one.
        case sign(SignedTreeHead)
        /// The witness signed another size last; the answer tells which.
        case otherSize
        /// The log signed two histories: here is the proof.
        case fork(ForkEvidence)
        /// The request can't be read or contradicts itself.
        case malformed
        /// The head is not one that the log signed.
        case unknownLog
        /// The proof does not hold, which is suspicion and proves nothing.
        case proofInvalid
    }

    /// Judges a request, given the log's key and the note of the head that was signed last for it;
    /// nil before any.
    public static func judge(
        _ request: CheckpointRequest, key: NoteKey, last note: [UInt8]?
    ) -> Verdict {
        guard let signed = try? SignedTreeHead(bytes: request.note, key: key) else {
            return .unknownLog
        }
        let new = signed.head
        guard request.oldSize <= new.size else { return .malformed }
        var old = TreeHead(origin: key.name, size: 0, root: MerkleTree().root)
        if let note {
            // What was stored was checked before.
            guard let last = try? SignedTreeHead(bytes: note, key: key) else { return .otherSize }
            old = last.head
            if old.size == new.size, old.root != new.root {
                return .fork(ForkEvidence(key: key, notes: (note, request.note)))
            }
        }
        guard request.oldSize == old.size else { return .otherSize }
        do {
            try ConsistencyProof(
                olderSize: old.size, newerSize: new.size, hashes: request.hashes
            ).verify(olderRoot: old.root, newerRoot: new.root)
        } catch {
            return .proofInvalid
        }
        return .sign(signed)
    }
}
