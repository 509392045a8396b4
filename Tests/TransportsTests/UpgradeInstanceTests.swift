import Cryptography
import LibP2P
import NIOCore
import Testing

@testable import Transports

@Suite struct UpgradeInstanceTests {
    struct Result {
        var dialer: UpgradeInstance.Upgraded
        var listener: UpgradeInstance.Upgraded
        var listenerInput: [UInt8]
    }

    /// Runs both sides, handing over at most `step` bytes at a time.
    func upgrade(
        step: Int, offers: (Bool, Bool) = (true, true), expected: PeerID? = nil
    ) throws -> Result? {
        let keys = (SigningKey.generate(), SigningKey.generate())
        var dialer = UpgradeInstance(
            isDialer: true, identity: keys.0,
            expectedPeer: expected ?? PeerID(publicKey: keys.1.publicKey), offersMuxers: offers.0
        )
        var listener = UpgradeInstance(
            isDialer: false, identity: keys.1, expectedPeer: nil, offersMuxers: offers.1
        )
        var toListener = try dialer.start()
        var toDialer = try listener.start()
        var ends: (UpgradeInstance.Upgraded?, UpgradeInstance.Upgraded?)
        while ends.0 == nil || ends.1 == nil {
            guard !(toListener.isEmpty && toDialer.isEmpty) else { return nil }
            if ends.1 == nil, !toListener.isEmpty {
                let piece = toListener.prefix(step)
                toListener.removeFirst(piece.count)
                let (answer, upgraded) = try listener.receive(ByteBuffer(bytes: piece))
                toDialer += answer
                ends.1 = upgraded
            }
            if ends.0 == nil, !toDialer.isEmpty {
                let piece = toDialer.prefix(step)
                toDialer.removeFirst(piece.count)
                let (answer, upgraded) = try dialer.receive(ByteBuffer(bytes: piece))
                toListener += answer
                ends.0 = upgraded
                if upgraded != nil {
                    // The dialler's first record follows the handshake in the same read.
                    toListener += try upgraded?.noise.sendCipher.seal([1, 2, 3]) ?? []
                }
            }
        }
        guard let first = ends.0, let second = ends.1 else { return nil }
        return Result(dialer: first, listener: second, listenerInput: toListener)
    }

    @Test(arguments: [1, 2, 7, 100, 100_000], [true, false])
    func `both sides are upgraded however the bytes are cut`(step: Int, isEarly: Bool) throws {
        for offers in isEarly ? [(true, true)] : [(true, false), (false, true), (false, false)] {
            let result = try #require(try upgrade(step: step, offers: offers))
            #expect((result.dialer.noise.muxer != nil) == isEarly)
            #expect(result.dialer.noise.handshakeHash == result.listener.noise.handshakeHash)
            // What was read beyond the upgrade is handed on.
            var records = result.listener.records
            var rest = result.listener.ciphertext
            rest.writeBytes(result.listenerInput)
            var plaintext = result.listener.plaintext
            while let record = records.next(from: &rest) {
                plaintext += try result.listener.noise.receiveCipher.open(record)
            }
            #expect(plaintext == [1, 2, 3])
            #expect(records.isAtBoundary)
        }
    }

    @Test func `the wrong peer fails in the handshake`() throws {
        let other = PeerID(publicKey: SigningKey.generate().publicKey)
        let error = #expect(throws: UpgradeInstance.Failure.self) {
            try upgrade(step: 9, expected: other)
        }
        #expect(error?.stage == .handshake)
        guard case .peerMismatch(other, _) = error?.reason else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(arguments: 0..<60 as Range<UInt64>)
    func `random bytes never trap`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var listener = UpgradeInstance(
            isDialer: false, identity: SigningKey.generate(), expectedPeer: nil
        )
        var dialer = UpgradeInstance(
            isDialer: true, identity: SigningKey.generate(), expectedPeer: nil
        )
        // A valid beginning of some length, then noise.
        let flight = try dialer.start()
        var bytes = Array(flight.prefix(Int.random(in: 0...flight.count, using: &random)))
        bytes += (0..<Int.random(in: 1..<3_000, using: &random)).map { _ in
            UInt8.random(in: .min ... .max, using: &random)
        }
        let result = try? listener.receive(ByteBuffer(bytes: bytes))
        #expect(result?.upgraded == nil)
    }
}
