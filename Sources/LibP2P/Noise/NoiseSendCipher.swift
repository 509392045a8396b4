package import Cryptography

/// Encrypts the records of one direction, in the order in which they are written.
///
/// A class, because a copy would use a nonce twice; not `Sendable`, because records sealed on two
/// threads would go out in another order than they were counted.
public final class NoiseSendCipher {
    private let cipher: ChaChaPoly
    /// The number of the next record.
    ///
    /// The last value is reserved.
    package private(set) var counter: UInt64

    package init(key: SecretBytes, counter: UInt64 = 0) {
        guard let cipher = ChaChaPoly(key: key) else {
            preconditionFailure("a transport key of \(key.count) bytes")
        }
        self.cipher = cipher
        self.counter = counter
    }

    /// Encrypts a record in place, without an allocation.
    ///
    /// The buffer is the whole record: 2 bytes that take the length, the plaintext (at most
    /// `NoiseRecord.plaintextByteCountMax` bytes), 16 bytes that take the tag.
    /// - Throws: `counterExhausted`.
    @safe
    public func seal(record: UnsafeMutableRawBufferPointer) throws(LibP2PError) {
        let bodyByteCount = record.count - NoiseRecord.lengthByteCount
        precondition(
            (NoiseRecord.tagByteCount...NoiseRecord.bodyByteCountMax).contains(bodyByteCount),
            "a record of \(record.count) bytes"
        )
        guard counter < UInt64.max else { throw .counterExhausted }
        unsafe record[0] = UInt8(bodyByteCount >> 8)
        unsafe record[1] = UInt8(bodyByteCount & 0xff)
        unsafe cipher.seal(
            inPlace: UnsafeMutableRawBufferPointer(
                rebasing: record[NoiseRecord.lengthByteCount...]
            ),
            nonce: ChaChaPoly.Nonce(counter: counter)
        )
        counter += 1
    }

    /// Encrypts bytes of any count into as few records as they need.
    ///
    /// - Throws: `counterExhausted`.
    public func seal(_ plaintext: [UInt8]) throws(LibP2PError) -> [UInt8] {
        var output: [UInt8] = []
        let size = NoiseRecord.plaintextByteCountMax
        for start in stride(from: 0, to: plaintext.count, by: size) {
            let piece = plaintext[start..<min(start + size, plaintext.count)]
            guard counter < UInt64.max else { throw .counterExhausted }
            let body = cipher.seal(Array(piece), nonce: ChaChaPoly.Nonce(counter: counter))
            counter += 1
            output += [UInt8(body.count >> 8), UInt8(body.count & 0xff)]
            output += body
        }
        return output
    }
}
