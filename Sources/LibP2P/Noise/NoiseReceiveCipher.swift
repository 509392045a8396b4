package import Cryptography

/// Decrypts the records of one direction, in the order in which they arrive.
///
/// The first record that was altered, repeated, left out or moved ends the connection: after a
/// failure every call throws. Not `Sendable`, for the same reason as `NoiseSendCipher`.
public final class NoiseReceiveCipher {
    private let cipher: ChaChaPoly
    /// The number of the next record.
    ///
    /// The last value is reserved.
    package private(set) var counter: UInt64
    /// Whether a record has failed; nothing is decrypted any more.
    public private(set) var hasFailed = false

    package init(key: SecretBytes, counter: UInt64 = 0) {
        guard let cipher = ChaChaPoly(key: key) else {
            preconditionFailure("a transport key of \(key.count) bytes")
        }
        self.cipher = cipher
        self.counter = counter
    }

    /// Decrypts the body of a record (what follows its length field) in place.
    ///
    /// Returns the number of plaintext bytes at the buffer's start, which may be 0. Nothing is
    /// allocated.
    /// - Throws: `authenticationFailed`, `counterExhausted`, and `ended` after either.
    @safe
    public func open(body: UnsafeMutableRawBufferPointer) throws(LibP2PError) -> Int {
        try claim()
        do {
            let count = try cipher.open(
                inPlace: body, nonce: ChaChaPoly.Nonce(counter: counter)
            )
            release()
            return count
        } catch {
            throw .authenticationFailed(.noiseRecord)
        }
    }

    /// Decrypts the body of a record (what follows its length field).
    ///
    /// - Throws: `authenticationFailed`, `counterExhausted`, and `ended` after either.
    public func open(_ body: [UInt8]) throws(LibP2PError) -> [UInt8] {
        try claim()
        do {
            let plaintext = try cipher.open(body, nonce: ChaChaPoly.Nonce(counter: counter))
            release()
            return plaintext
        } catch {
            throw .authenticationFailed(.noiseRecord)
        }
    }

    /// Counts as failed until the record has proved good.
    private func claim() throws(LibP2PError) {
        guard !hasFailed else { throw .ended(.noiseRecord) }
        hasFailed = true
        guard counter < UInt64.max else { throw .counterExhausted }
    }

    private func release() {
        counter += 1
        hasFailed = false
    }
}
