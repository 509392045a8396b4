import Cryptography
import Testing

@testable import LibP2P

@Suite struct NoiseRecordTests {
    private func pair(
        counter: UInt64 = 0
    ) -> (sender: NoiseSendCipher, receiver: NoiseReceiveCipher) {
        let key = SecretBytes.random(count: 32)
        return (
            NoiseSendCipher(key: key, counter: counter),
            NoiseReceiveCipher(key: key, counter: counter)
        )
    }

    /// Decrypts a byte stream that arrives in pieces.
    private func read(
        _ stream: [UInt8], _ size: ReadSize, _ cipher: NoiseReceiveCipher
    ) throws -> (plaintext: [UInt8], isAtRecordEnd: Bool) {
        var decoder = NoiseRecordDecoder(cipher: cipher)
        var output: [UInt8] = []
        for piece in size.cut(stream) {
            decoder.append(piece)
            while let plaintext = try decoder.next() { output += plaintext }
        }
        return (output, decoder.isAtRecordEnd)
    }

    @Test(arguments: ReadSize.allCases)
    func `records carry a byte stream, however it is cut`(size: ReadSize) throws {
        let (sender, receiver) = pair()
        let plaintext = (0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let stream = try sender.seal(plaintext) + sender.seal([1, 2, 3])
        #expect(stream.count == 70_003 + 3 * NoiseRecord.overheadByteCount)
        #expect(sender.counter == 3)
        let end = try read(stream, size, receiver)
        #expect(end.plaintext == plaintext + [1, 2, 3])
        #expect(end.isAtRecordEnd)
    }

    @Test func `a full record has 65535 bytes behind its length`() throws {
        let (sender, _) = pair()
        let record = try sender.seal([UInt8](repeating: 0, count: 65_519))
        #expect(record.count == 65_537)
        #expect(record.prefix(2).elementsEqual([0xff, 0xff]))
        #expect(try sender.seal([]).isEmpty)
    }

    @Test func `in place gives the same records as with arrays`() throws {
        let key = SecretBytes.random(count: 32)
        let sender = NoiseSendCipher(key: key)
        let other = NoiseSendCipher(key: key)
        let receiver = NoiseReceiveCipher(key: key)
        for count in [1, 12, 1000, NoiseRecord.plaintextByteCountMax] {
            let plaintext = SystemRandom.bytes(count)
            var record = [0xee, 0xee] + plaintext + [UInt8](repeating: 0xee, count: 16)
            try unsafe record.withUnsafeMutableBytes { try sender.seal(record: $0) }
            #expect(try other.seal(plaintext) == record)
            var body = Array(record.dropFirst(2))
            let opened = try unsafe body.withUnsafeMutableBytes { try receiver.open(body: $0) }
            #expect(opened == count)
            #expect(Array(body.prefix(opened)) == plaintext)
        }
    }

    @Test func `an empty record is legal`() throws {
        let (sender, receiver) = pair()
        var record = [UInt8](repeating: 0, count: NoiseRecord.overheadByteCount)
        try unsafe record.withUnsafeMutableBytes { try sender.seal(record: $0) }
        let end = try read(record + sender.seal([5]), .oneByte, receiver)
        #expect(end.plaintext == [5])
    }

    @Test func `records in another order kill the connection`() throws {
        let (sender, receiver) = pair()
        let first = try sender.seal([1])
        let second = try sender.seal([2])
        #expect(throws: LibP2PError.authenticationFailed(.noiseRecord)) {
            _ = try read(second + first, .everything, receiver)
        }
        #expect(receiver.hasFailed)
        #expect(throws: LibP2PError.ended(.noiseRecord)) {
            try receiver.open(Array(first.dropFirst(2)))
        }
    }

    @Test func `a repeated record kills the connection`() throws {
        let (sender, receiver) = pair()
        let record = try sender.seal([1])
        #expect(throws: LibP2PError.authenticationFailed(.noiseRecord)) {
            _ = try read(record + record, .everything, receiver)
        }
        #expect(receiver.hasFailed)
    }

    @Test func `a record left out kills the connection`() throws {
        let (sender, receiver) = pair()
        _ = try sender.seal([1])
        #expect(throws: LibP2PError.authenticationFailed(.noiseRecord)) {
            _ = try read(sender.seal([2]), .everything, receiver)
        }
    }

    @Test func `a truncated record is seen as one, and as fatal when more follows`() throws {
        let (sender, receiver) = pair()
        let record = try sender.seal([1, 2, 3])
        for count in 1..<record.count {
            let end = try read(Array(record.prefix(count)), .everything, receiver)
            #expect(end.plaintext.isEmpty)
            #expect(!end.isAtRecordEnd)
        }
        #expect(throws: LibP2PError.authenticationFailed(.noiseRecord)) {
            _ = try read(record.dropLast() + sender.seal([4]), .everything, receiver)
        }
    }

    @Test func `every changed byte kills the connection`() throws {
        for index in 2..<21 {
            let (sender, receiver) = pair()
            var record = try sender.seal([1, 2, 3])
            record[index] ^= 0x80
            #expect(throws: LibP2PError.authenticationFailed(.noiseRecord)) {
                _ = try read(record, .everything, receiver)
            }
            #expect(throws: LibP2PError.ended(.noiseRecord)) { try receiver.open([]) }
        }
    }

    @Test(arguments: [0, 1, 15] as [UInt8])
    func `a record shorter than a tag kills the connection`(length: UInt8) {
        let (_, receiver) = pair()
        #expect(throws: LibP2PError.authenticationFailed(.noiseRecord)) {
            _ = try read([0, length], .everything, receiver)
        }
        #expect(receiver.hasFailed)
    }

    @Test func `the last counter value is never used`() throws {
        let (sender, receiver) = pair(counter: UInt64.max - 1)
        let record = try sender.seal([1])
        #expect(throws: LibP2PError.counterExhausted) { try sender.seal([2]) }
        #expect(throws: LibP2PError.counterExhausted) {
            var buffer = [UInt8](repeating: 0, count: 19)
            try unsafe buffer.withUnsafeMutableBytes { try sender.seal(record: $0) }
        }
        #expect(try receiver.open(Array(record.dropFirst(2))) == [1])
        #expect(throws: LibP2PError.counterExhausted) {
            try receiver.open(Array(record.dropFirst(2)))
        }
        #expect(receiver.hasFailed)
    }

    @Test func `a counter grows with each success only`() throws {
        let (sender, receiver) = pair()
        #expect(throws: LibP2PError.self) { try receiver.open([UInt8](repeating: 0, count: 20)) }
        #expect(receiver.counter == 0)
        _ = try sender.seal([1])
        #expect(sender.counter == 1)
    }

    @Test func `damaged streams end in errors or wait`() throws {
        let (sender, _) = pair()
        let stream = try sender.seal([1, 2, 3]) + sender.seal([4, 5])
        Mutations.run(seed: 0xbd, count: 1000, inputs: [stream]) { bytes in
            let (_, receiver) = pair()
            _ = try? read(bytes, .threeBytes, receiver)
        }
    }
}
