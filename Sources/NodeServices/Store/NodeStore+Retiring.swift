internal import Cryptography
internal import Federation
internal import Storage

/// What old rounds leave in the store, and until when.
extension NodeStore {
    /// The height through which no entry names anything that is still to go, 8 bytes.
    private static let retiredKey = "retired-through"

    /// Drops the bytes of updates, adapters and transcripts that are older than the last `keeping`
    /// rounds.
    ///
    /// The entries that name them stay for ever. The newest adapter is always kept, and so is what the
    /// node's memory refers to, until a later call finds that it does not any more.
    ///
    /// - Complexity: O(keeping) entries: what an earlier call is done with is not read again.
    func retire(before round: UInt64, keeping: Int, adapter: Digest) throws(NodeError) {
        guard round > UInt64(max(keeping, 1)) else { return }
        let limit = round - UInt64(max(keeping, 1))
        let remembered = try memoryHeaders()
        var kept: Set<Digest> = [adapter]
        for header in remembered {
            kept.formUnion([header.baseAdapterDigest, header.updateID])
        }
        let start = try retiredHeight + 1
        let entries = try entries(from: start)
        for entry in entries {
            if remembered.contains(where: { $0.round == entry.proposal.round }) {
                kept.insert(entry.result.adapterDigest)
            }
            // An entry of memberships names the adapter of the round before it, and nothing of its own.
            if entry.proposal.round > limit { kept.formUnion(entry.objects) }
        }
        var doomed: [Digest] = []
        var through = start - 1
        for entry in entries {
            // Entries of memberships have no round, and stand between those that have.
            guard entry.proposal.round <= limit else { break }
            let objects = entry.proposal.round == 0 ? [] : entry.objects
            let dropped = objects.filter { !kept.contains($0) }
            doomed += dropped
            if through == entry.height - 1, dropped.count == objects.count {
                through = entry.height
            }
        }
        if !doomed.isEmpty || through >= start {
            try write { (transaction) throws(StorageError) in
                for id in doomed { try transaction.deleteObject(id.bytes) }
                try transaction.putSetting(
                    Self.retiredKey, (0..<8).map { UInt8(truncatingIfNeeded: through >> (8 * $0)) })
            }
        }
        try dropTranscripts(through: limit)
    }

    /// Of the last call that was done with all up to there; 0 where none was.
    private var retiredHeight: UInt64 {
        get throws(NodeError) {
            let bytes = try read { (transaction) throws(StorageError) in
                try transaction.setting(Self.retiredKey)
            }
            guard let bytes, bytes.count == 8 else { return 0 }
            return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
    }
}

extension CertifiedEntry {
    /// What the entry is about: the updates and the adapter.
    fileprivate var objects: [Digest] {
        proposal.participants.map(\.summary.objectID) + [result.adapterDigest]
    }
}
