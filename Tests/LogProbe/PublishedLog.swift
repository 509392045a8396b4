internal import Cryptography
internal import Foundation
internal import GossipLog
internal import Storage

/// A log as other programs read it: `tiles/` in the layout of tlog-tiles with a cosigned
/// checkpoint, `keys/log` and `keys/witness`, and under `proofs/` leaves with inclusion proofs and
/// older checkpoints with consistency proofs.
struct PublishedLog {
    let store: StateStore
    let signer: NoteSigner
    let folder: URL

    func write() throws {
        let head = try cosignedHead()
        for tile in LogTile.all(ofSize: head.head.size) {
            let (hashes, leaves) = try store.read { (transaction) throws(StorageError) in
                (
                    try transaction.logTiles.hashes(of: tile),
                    tile.level > 0
                        ? []
                        : try transaction.logLeaves(
                            from: tile.index * LogTile.width, countMax: tile.count)
                )
            }
            try write(hashes.flatMap(\.bytes), "tiles/" + tile.path)
            if tile.level == 0 {
                try write(EntryBundle.bytes(of: leaves), "tiles/" + tile.entriesPath)
            }
        }
        try write(head.bytes, "tiles/checkpoint")
        let size = head.head.size
        for index in Set([0, 1, 254, 255, 256, 257, size / 2, size &- 2, size - 1]).sorted()
        where index < size {
            try writeInclusion(of: index, under: head)
        }
        for older in Set([1, 2, 255, 256, 257, size / 2, size - 1, size]).sorted()
        where older > 0 && older <= size {
            try writeConsistency(from: older, to: size)
        }
    }

    /// The newest head with the cosignature of a witness.
    private func cosignedHead() throws -> SignedTreeHead {
        let note = try store.read { (transaction) throws(StorageError) in
            try transaction.latestTreeHead()
        }
        guard let note else { throw MeasuredLog.Broken(what: "no tree head") }
        let head = try SignedTreeHead(bytes: note, key: signer.key)
        let witness = try NoteSigner(
            name: "starling.example/witness", algorithm: .cosignature,
            signingKey: SigningKey.generate())
        try write(Array("\(signer.key)\n".utf8), "keys/log")
        try write(Array("\(witness.key)\n".utf8), "keys/witness")
        let line = witness.cosignatureLine(
            over: head.head, timeSeconds: UInt64(Date().timeIntervalSince1970))
        return try head.cosigned(line: line, by: witness.key)
    }

    private func writeInclusion(of index: UInt64, under head: SignedTreeHead) throws {
        let (leaf, proofs) = try store.read { (transaction) throws(StorageError) in
            (
                try transaction.logLeaf(index),
                try transaction.inclusionProofs(of: [index], size: head.head.size)
            )
        }
        guard let leaf, let proof = proofs.first else {
            throw MeasuredLog.Broken(what: "no leaf \(index)")
        }
        try write(leaf, "proofs/inclusion/\(index).leaf")
        try write(LogProof(proof, under: head).bytes, "proofs/inclusion/\(index).proof")
    }

    /// The checkpoint of the older size, and the hashes, a line each in hexadecimal.
    private func writeConsistency(from older: UInt64, to newer: UInt64) throws {
        let (note, proof) = try store.read { (transaction) throws(StorageError) in
            (
                try transaction.treeHead(size: older),
                try transaction.consistencyProof(from: older, to: newer)
            )
        }
        guard let note else { throw MeasuredLog.Broken(what: "no tree head of \(older)") }
        try write(note, "proofs/consistency/\(older).checkpoint")
        let lines = proof.hashes.map { $0.hexadecimal + "\n" }.joined()
        try write(Array(lines.utf8), "proofs/consistency/\(older).hashes")
    }

    private func write(_ bytes: [UInt8], _ name: String) throws {
        let place = folder.appending(path: name)
        try FileManager.default.createDirectory(
            at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: place)
    }
}
