public import Cryptography
public import LibP2P

extension ObjectStore {
    /// Cuts bytes into chunks and keeps them as an object.
    ///
    /// - Returns: The manifest, whose `objectID` names the object from now on.
    /// - Throws: ``TransferError/objectRefused`` for no bytes or more than 1 GiB,
    ///   ``TransferError/storeFailed``.
    /// - Complexity: O(n); the hashing runs on the caller's executor, 256 KiB between two awaits
    ///   after the manifest is made.
    public func putObject(_ contents: [UInt8]) async throws(TransferError) -> ObjectManifest {
        let manifest: ObjectManifest
        do {
            manifest = try ObjectManifest(cutting: contents)
        } catch {
            throw .objectRefused(nil, error)
        }
        do {
            try await putManifest(manifest)
            for index in 0..<manifest.chunkCount {
                guard let range = manifest.byteRange(ofChunk: index) else { continue }
                try await putChunk(
                    manifest.objectID, index: index, bytes: Array(contents[range]))
            }
        } catch {
            throw .storeFailed(error)
        }
        return manifest
    }

    /// Joins the chunks of an object that is held whole, and checks each once more.
    ///
    /// - Parameter byteCountMax: The greatest object that the caller has memory for.
    /// - Throws: ``TransferError/incomplete`` if chunks are missing or the stored bytes are not
    ///   what they should be, ``TransferError/objectRefused``, ``TransferError/storeFailed``.
    public func contents(
        of id: Digest, byteCountMax: Int
    ) async throws(TransferError) -> [UInt8] {
        guard let manifest = try await storedManifest(id, byteCountMax: byteCountMax) else {
            throw .incomplete(id, missing: [])
        }
        var contents: [UInt8] = []
        contents.reserveCapacity(manifest.totalByteCount)
        for index in 0..<manifest.chunkCount {
            let bytes: [UInt8]?
            do {
                bytes = try await chunk(id, index: index)
            } catch {
                throw .storeFailed(error)
            }
            guard let bytes, manifest.isChunk(bytes, at: index) else {
                throw .incomplete(id, missing: [index])
            }
            contents += bytes
        }
        return contents
    }

    /// The manifest that is kept, checked as one from a peer is; nil if there is none.
    func storedManifest(
        _ id: Digest, byteCountMax: Int
    ) async throws(TransferError) -> ObjectManifest? {
        let bytes: [UInt8]?
        do {
            bytes = try await manifest(id)
        } catch {
            throw .storeFailed(error)
        }
        guard let bytes else { return nil }
        do {
            let manifest = try ObjectManifest(bytes: bytes, byteCountMax: byteCountMax)
            return manifest.objectID == id ? manifest : nil
        } catch {
            throw .objectRefused(id, error)
        }
    }
}
