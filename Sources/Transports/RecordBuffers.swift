internal import LibP2P
internal import NIOCore

/// The memory of the latest large records, for the next ones.
///
/// A record is written and done with in a moment; to ask for 64 KiB of fresh memory for each costs
/// page faults, which showed as a sixth of a sender's time.
struct RecordBuffers {
    /// The plaintext of a record that fills 64 KiB with its length and tag: one byte short of what
    /// Noise allows, since a buffer of one byte more takes 128 KiB.
    static let plaintextByteCountMax = NoiseRecord.plaintextByteCountMax - 1

    /// As many as are on their way at once: those between the socket's water marks.
    private static let countMax = 5

    private var kept: [ByteBuffer] = []

    /// An empty buffer of the size of a record.
    mutating func take(_ allocator: ByteBufferAllocator) -> ByteBuffer {
        guard kept.count == Self.countMax else {
            return allocator.buffer(
                capacity: Self.plaintextByteCountMax + NoiseRecord.overheadByteCount)
        }
        var buffer = kept.removeFirst()
        // Makes new memory if the socket has not taken the old yet.
        buffer.clear()
        return buffer
    }

    /// Remembers a buffer that is being written.
    mutating func keep(_ buffer: ByteBuffer) {
        kept.append(buffer)
    }

    /// Gives the memory back.
    mutating func removeAll() {
        kept = []
    }
}
