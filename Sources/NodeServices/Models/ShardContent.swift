internal import Checkpoints
internal import Cryptography
internal import LibP2P
internal import Tensors

/// The bytes of a tensor on their way into the store; where a memory map has them they are never all
/// in memory.
struct ShardContent: Sendable {
    private enum Place {
        case copied([UInt8])
        case mapped(MappedRows)
    }

    private let place: Place

    /// Finds a tensor, copying it only where its rows have to be put in order.
    init(_ name: String, of source: any TensorSource) throws {
        if let rows = try source.mappedRows(of: name), rows.order == .same {
            place = .mapped(rows)
        } else {
            place = .copied(try unsafe source.withBytes(of: name) { unsafe [UInt8]($0) })
        }
    }

    /// The number of bytes.
    var byteCount: Int {
        switch place {
        case .copied(let bytes): bytes.count
        case .mapped(let rows): rows.byteCount
        }
    }

    /// Lends the bytes in chunks of transfer, in order.
    func forEachChunk(_ body: (UnsafeRawBufferPointer) -> Void) {
        for start in stride(from: 0, to: byteCount, by: TransferProtocol.chunkByteCount) {
            let range = start..<min(start + TransferProtocol.chunkByteCount, byteCount)
            switch place {
            case .copied(let bytes):
                unsafe bytes.withUnsafeBytes {
                    unsafe body(UnsafeRawBufferPointer(rebasing: $0[range]))
                }
            case .mapped(let rows):
                unsafe rows.withBytes { unsafe body(UnsafeRawBufferPointer(rebasing: $0[range])) }
                rows.giveBack(range)
            }
        }
    }

    /// The manifest under which peers fetch the bytes.
    ///
    /// - Complexity: O(bytes); every one is hashed.
    func manifest() throws(ObjectManifestError) -> ObjectManifest {
        var ids: [Digest] = []
        unsafe forEachChunk { unsafe ids.append(Hashing.blake2b256($0)) }
        return try ObjectManifest(totalByteCount: byteCount, chunkIDs: ids)
    }
}
