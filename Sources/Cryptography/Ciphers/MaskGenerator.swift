internal import CSodium

/// Expands seeds into streams of ring words and adds them to vectors modulo 2^32.
///
/// Chunk c of a seed's stream is 16 KiB of ChaCha20 with the seed as key and c as nonce (8 bytes,
/// low first), read as 4096 words, low byte first. So each chunk can be made on its own, and every
/// word is uniform.
///
/// Source: Bernstein, "ChaCha, a variant of Salsa20", with a nonce of 8 bytes.
public enum MaskGenerator {
    /// The words of a chunk.
    public static let chunkWordCount = 4096
    /// The length of a seed.
    public static let seedByteCount = 32

    /// A stream and which way it goes into the sum.
    public struct Mask: Sendable {
        let seed: SecretBytes
        let isSubtracted: Bool

        /// Takes a seed of exactly 32 bytes.
        public init(seed: SecretBytes, isSubtracted: Bool) {
            precondition(
                seed.count == MaskGenerator.seedByteCount, "a seed of \(seed.count) bytes")
            self.seed = seed
            self.isSubtracted = isSubtracted
        }
    }

    /// Adds the masks, from that chunk of their streams on, to the words.
    ///
    /// - Complexity: O(words * masks).
    public static func apply(
        _ masks: [Mask], to words: inout [UInt32], firstChunk: Int = 0
    ) {
        precondition(firstChunk >= 0, "chunk \(firstChunk)")
        Sodium.prepare()
        let byteCount = 4 * chunkWordCount
        guard let memory = unsafe sodium_malloc(byteCount) else {
            fatalError("sodium_malloc of \(byteCount) bytes failed")
        }
        let stream = unsafe memory.bindMemory(to: UInt32.self, capacity: chunkWordCount)
        unsafe words.withUnsafeMutableBufferPointer { words in
            guard let start = words.baseAddress else { return }
            var chunk = firstChunk
            var offset = 0
            while offset < words.count {
                let count = min(chunkWordCount, words.count - offset)
                for mask in masks {
                    unsafe fill(stream, count: count, chunk: chunk, seed: mask.seed)
                    if mask.isSubtracted {
                        unsafe subtract(stream, from: start + offset, count: count)
                    } else {
                        unsafe add(stream, to: start + offset, count: count)
                    }
                }
                offset += count
                chunk += 1
            }
        }
        // sodium_free wipes what it frees.
        unsafe sodium_free(memory)
    }

    /// Adds the words of one vector to another of the same length, modulo 2^32.
    public static func add(_ words: [UInt32], to sum: inout [UInt32]) {
        precondition(words.count == sum.count, "\(words.count) words onto \(sum.count)")
        unsafe words.withUnsafeBufferPointer { words in
            unsafe sum.withUnsafeMutableBufferPointer { sum in
                guard let from = words.baseAddress, let to = sum.baseAddress else { return }
                for index in 0..<words.count { unsafe to[index] = to[index] &+ from[index] }
            }
        }
    }

    private static func fill(
        _ stream: UnsafeMutablePointer<UInt32>, count: Int, chunk: Int, seed: SecretBytes
    ) {
        let number = UInt64(chunk).littleEndian
        let code = unsafe seed.withPointer { key in
            unsafe withUnsafeBytes(of: number) { nonce in
                unsafe crypto_stream_chacha20(
                    UnsafeMutableRawPointer(stream).assumingMemoryBound(to: UInt8.self),
                    UInt64(4 * count),
                    nonce.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self),
                    key)
            }
        }
        precondition(code == 0, "crypto_stream_chacha20 returned \(code)")
    }

    private static func add(
        _ stream: UnsafeMutablePointer<UInt32>, to words: UnsafeMutablePointer<UInt32>, count: Int
    ) {
        for index in 0..<count {
            unsafe words[index] = words[index] &+ UInt32(littleEndian: stream[index])
        }
    }

    private static func subtract(
        _ stream: UnsafeMutablePointer<UInt32>, from words: UnsafeMutablePointer<UInt32>,
        count: Int
    ) {
        for index in 0..<count {
            unsafe words[index] = words[index] &- UInt32(littleEndian: stream[index])
        }
    }
}
