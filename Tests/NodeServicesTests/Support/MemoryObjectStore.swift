import Cryptography
import LibP2P
import NodeServices

/// Objects in memory, with a count of how often each chunk was put.
actor MemoryObjectStore: ObjectStore {
    struct Full: Error {}

    private var manifests: [Digest: ObjectManifest] = [:]
    private var chunks: [Digest: [Int: [UInt8]]] = [:]
    private(set) var putCounts: [Int: Int] = [:]
    private var putsLeft: Int?

    func manifest(_ id: Digest) -> [UInt8]? {
        manifests[id]?.bytes
    }

    func presence(_ id: Digest) -> ChunkPresence? {
        guard let manifest = manifests[id] else { return nil }
        var presence = ChunkPresence(count: manifest.chunkCount)
        for index in (chunks[id] ?? [:]).keys { presence.insert(index) }
        return presence
    }

    func chunk(_ id: Digest, index: Int) -> [UInt8]? {
        chunks[id]?[index]
    }

    func putManifest(_ manifest: ObjectManifest) {
        manifests[manifest.objectID] = manifest
    }

    func putChunk(_ id: Digest, index: Int, bytes: [UInt8]) throws(ObjectStoreError) {
        if let left = putsLeft {
            guard left > 0 else {
                throw ObjectStoreError(operation: .putChunk, objectID: id, cause: Full())
            }
            putsLeft = left - 1
        }
        chunks[id, default: [:]][index] = bytes
        putCounts[index, default: 0] += 1
    }

    /// Lets every put after so many fail.
    func fail(afterPuts count: Int?) {
        putsLeft = count
    }

    func forgetCounts() {
        putCounts = [:]
    }
}
