/// Content-addressed objects (updates, adapters) in chunks that arrive one by one.
///
/// An object's ID is 32 bytes, the digest by which its author named it. Whether bytes have that
/// digest is checked by who receives them, before they are stored.
extension StateReading where Self: ~Copyable {
    /// The manifest of an object; nil if it is not known.
    public func objectManifest(_ id: [UInt8]) throws(StorageError) -> [UInt8]? {
        try raw.value(in: StateTables.objects, key: id)
    }

    /// The IDs of the objects whose manifests are here, in ascending order.
    public func objectIDs() throws(StorageError) -> [[UInt8]] {
        try raw.keys(in: StateTables.objects)
    }

    /// A copy of a chunk; nil if it is not here.
    public func chunk(of id: [UInt8], index: UInt32) throws(StorageError) -> [UInt8]? {
        try raw.value(in: StateTables.chunks, key: StateChunks.key(id, index))
    }

    /// Whether a chunk is here.
    public func hasChunk(of id: [UInt8], index: UInt32) throws(StorageError) -> Bool {
        try raw.contains(StateChunks.key(id, index), in: StateTables.chunks)
    }

    /// The indices below `count` whose chunks are not here, in ascending order: what is left to
    /// fetch.
    public func missingChunkIndices(
        of id: [UInt8], count: UInt32
    ) throws(StorageError) -> [UInt32] {
        try StateTables.objects.check(keyByteCount: id.count)
        let present = Set(
            try raw.keys(in: StateTables.chunks, prefix: id).compactMap {
                BigEndian.value($0.dropFirst(id.count), as: UInt32.self)
            }
        )
        return (0..<count).filter { !present.contains($0) }
    }

    /// The first `chunkCount` chunks of an object, joined; nil if one of them is not here.
    public func object(_ id: [UInt8], chunkCount: UInt32) throws(StorageError) -> [UInt8]? {
        try StateTables.objects.check(keyByteCount: id.count)
        // Counted first: an array that grows is in memory twice.
        var byteCount = 0
        guard
            unsafe try forEachChunk(of: id, chunkCount: chunkCount, { byteCount += $0.count })
        else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount)
        _ = unsafe try forEachChunk(of: id, chunkCount: chunkCount) {
            unsafe bytes.append(contentsOf: $0)
        }
        return bytes
    }

    /// Lends the first chunks of an object in order; whether all of them are here.
    private func forEachChunk(
        of id: [UInt8], chunkCount: UInt32, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(StorageError) -> Bool {
        var next: UInt32 = 0
        unsafe try raw.forEach(in: StateTables.chunks, from: id) {
            (key, value) throws(StorageError) in
            guard next < chunkCount, unsafe key.elementsEqual(id + BigEndian.bytes(next)) else {
                return false
            }
            unsafe body(value)
            next += 1
            return true
        }
        return next == chunkCount
    }
}

extension WriteTransaction {
    /// Stores an object's manifest; the same bytes again change nothing.
    ///
    /// - Throws: `.exists` if the object has another manifest.
    public func putObjectManifest(_ manifest: [UInt8], id: [UInt8]) throws(StorageError) {
        try putOnce(manifest, in: StateTables.objects, key: id)
    }

    /// Stores a chunk of 1 to `StateStore.chunkByteCountMax` bytes, replacing what was there.
    public func putChunk(
        _ bytes: [UInt8], of id: [UInt8], index: UInt32
    ) throws(StorageError) {
        try put(bytes, in: StateTables.chunks, key: StateChunks.key(id, index))
    }

    /// Stores a whole object, cut into chunks of `StateStore.chunkByteCountMax` bytes.
    ///
    /// Returns the number of chunks.
    @discardableResult
    public func putObject(
        _ bytes: [UInt8], manifest: [UInt8], id: [UInt8]
    ) throws(StorageError) -> UInt32 {
        try putObjectManifest(manifest, id: id)
        var index: UInt32 = 0
        for start in stride(from: 0, to: bytes.count, by: StateTables.chunkByteCountMax) {
            let end = min(start + StateTables.chunkByteCountMax, bytes.count)
            try putChunk(Array(bytes[start..<end]), of: id, index: index)
            index += 1
        }
        return index
    }

    /// Removes an object's manifest and chunks, as far as they are here.
    public func deleteObject(_ id: [UInt8]) throws(StorageError) {
        try delete(id, in: StateTables.objects)
        for key in try raw.keys(in: StateTables.chunks, prefix: id) {
            try delete(key, in: StateTables.chunks)
        }
    }
}

enum StateChunks {
    static func key(_ id: [UInt8], _ index: UInt32) throws(StorageError) -> [UInt8] {
        try StateTables.objects.check(keyByteCount: id.count)
        return id + BigEndian.bytes(index)
    }
}
