public import Cryptography
public import GossipLog

/// Proofs about the node's own log.
extension StateReading where Self: ~Copyable {
    /// The root of the log's first `size` leaves.
    ///
    /// - Throws: `.logInconsistent` where there are fewer.
    public func logRoot(size: UInt64) throws(StorageError) -> Digest {
        try building { (proofs) throws(ProofBuilder<TileRows>.Failure) in
            try proofs.root(size: size)
        }
    }

    /// The proofs that these leaves, each below `size`, are among the log's first `size`.
    ///
    /// - Throws: `.logInconsistent` where there are fewer.
    /// - Complexity: O(log n) rows of 256 hashes for each.
    public func inclusionProofs(
        of indices: [UInt64], size: UInt64
    ) throws(StorageError) -> [InclusionProof] {
        try building { (proofs) throws(ProofBuilder<TileRows>.Failure) in
            var made: [InclusionProof] = []
            for index in indices { made.append(try proofs.inclusion(of: index, size: size)) }
            return made
        }
    }

    /// The proof that the log's first `newer` leaves begin with its first `older`.
    ///
    /// `older` is not above `newer`.
    /// - Throws: `.logInconsistent` where there are fewer.
    public func consistencyProof(
        from older: UInt64, to newer: UInt64
    ) throws(StorageError) -> ConsistencyProof {
        try building { (proofs) throws(ProofBuilder<TileRows>.Failure) in
            try proofs.consistency(from: older, to: newer)
        }
    }

    private func building<Result>(
        _ body: (inout ProofBuilder<TileRows>) throws(ProofBuilder<TileRows>.Failure) -> Result
    ) throws(StorageError) -> Result {
        var proofs = ProofBuilder(logTiles)
        do {
            return try body(&proofs)
        } catch {
            switch error {
            case .source(let error): throw error
            case .hashCount(let tile, let count):
                throw .logInconsistent(
                    frontierSize: tile.index * LogTile.width + UInt64(tile.count),
                    leafCount: tile.index * LogTile.width + UInt64(count))
            }
        }
    }
}
