import Cryptography
import LibP2P
import NIOCore
import Testing

@testable import Transports

@Suite(.timeLimit(.minutes(1))) struct PrivateNetworkTests {
    static let hexadecimal = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

    @Test func `nodes with one key connect, and bytes come through whole`() async throws {
        let key = NetworkKey.generate()
        let a = try await SwarmFixture.make(networkKey: key)
        let b = try await SwarmFixture.make(networkKey: key)
        try await SwarmFixture.with(a, b) {
            try await a.dial(try b.address)
            try await expectPing(a, b)
            let stream = try await a.openStream(to: b.peerID, protocol: SwarmFixture.digest)
            let bytes = SwarmFixture.pattern(0..<3_000_000)
            try await stream.write(bytes)
            await stream.closeWrite()
            let answer = try await SwarmFixture.readAll(stream)
            #expect(answer == Hashing.blake2b256(bytes).bytes)
        }
    }

    @Test(arguments: [true, false])
    func `with another key, or none, no connection comes about`(hasOtherKey: Bool) async throws {
        let log = LogLines()
        var limits = TransportLimits()
        limits.negotiationTimeout = .milliseconds(500)
        let inside = try await SwarmFixture.make(
            limits: limits, networkKey: NetworkKey.generate(), log: log)
        let outside = try await SwarmFixture.make(
            limits: limits, networkKey: hasOtherKey ? NetworkKey.generate() : nil)
        try await SwarmFixture.with(inside, outside) {
            for (dialler, dialled) in [(outside, inside), (inside, outside)] {
                do {
                    try await dialler.dial(try dialled.address)
                    Issue.record("connected")
                } catch {
                    guard case .upgradeFailed(stage: .security, _) = error as? TransportError
                    else {
                        Issue.record("\(error)")
                        continue
                    }
                }
            }
            #expect(inside.connectedPeers.isEmpty && outside.connectedPeers.isEmpty)
            await eventually { log.contains("inbound upgrade failed") }
        }
    }

    @Test func `on the wire there is a nonce and then the key stream of the bytes`() async throws {
        let key = try NetworkKey(
            file: Array("/key/swarm/psk/1.0.0/\n/base16/\n\(Self.hexadecimal)".utf8))
        let swarm = try await SwarmFixture.make(networkKey: key)
        try await SwarmFixture.with(swarm) {
            let header = Array("\u{13}/multistream/1.0.0\n".utf8)
            var nonces: Set<[UInt8]> = []
            for _ in 0..<2 {
                let peer = try await RawPeer.connect(to: try swarm.address)
                let received = try await peer.channel.executeThenClose { inbound, outbound in
                    let nonce = SystemRandom.bytes(24)
                    // Byte by byte: the nonce and the first block come in pieces.
                    for byte in nonce + Self.apply(key, nonce, to: header) {
                        try await outbound.write(ByteBuffer(bytes: [byte]))
                    }
                    var received: [UInt8] = []
                    for try await buffer in inbound {
                        received += buffer.readableBytesView
                        if received.count >= 24 + header.count { break }
                    }
                    return received
                }
                let nonce = Array(received.prefix(24))
                nonces.insert(nonce)
                let text = Self.apply(key, nonce, to: Array(received.dropFirst(24)))
                #expect(text.starts(with: header))
            }
            #expect(nonces.count == 2)
        }
    }

    private static func apply(_ key: NetworkKey, _ nonce: [UInt8], to bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        var stream = XSalsa20Stream(key: key.bytes, nonce: nonce)
        unsafe bytes.withUnsafeMutableBytes { unsafe stream?.apply(to: $0) }
        return bytes
    }

    @Test func `key files are read in all three encodings and written in one`() throws {
        let bytes = (0..<32).map { UInt8($0) }
        let header = "/key/swarm/psk/1.0.0/\n"
        let base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
        let files = [
            Array((header + "/base16/\n" + Self.hexadecimal).utf8),
            Array((header + "/base16/\n" + Self.hexadecimal.uppercased() + "\n").utf8),
            Array((header + "/base64/\r\n" + base64 + "\r\n").utf8),
            Array((header + "/bin/\n").utf8) + bytes,
        ]
        let expected = try #require(NetworkKey(bytes: SecretBytes(copying: bytes)))
        for file in files { #expect(try NetworkKey(file: file) == expected) }
        #expect(try NetworkKey(file: expected.file) == expected)
        #expect(expected.fingerprint.count == 16)
        #expect(NetworkKey.generate() != expected)
        #expect(NetworkKey.generate().fingerprint != expected.fingerprint)
    }

    @Test(arguments: [
        ("", NetworkKeyError.noHeader),
        ("/key/swarm/psk/2.0.0/\n/base16/\n00", .noHeader),
        ("/key/swarm/psk/1.0.0/\n/base16/", .noHeader),
        ("/key/swarm/psk/1.0.0/\n/base32/\nAA", .unknownEncoding("/base32/")),
        ("/key/swarm/psk/1.0.0/\n/base16/\n0g", .malformed),
        ("/key/swarm/psk/1.0.0/\n/base64/\n!!", .malformed),
        ("/key/swarm/psk/1.0.0/\n/base16/\n0011", .keyByteCount(2)),
    ])
    func `what is no key file is told apart`(text: String, expected: NetworkKeyError) {
        #expect(throws: expected) { try NetworkKey(file: Array(text.utf8)) }
    }

    @Test func `a file beyond any key is not looked at`() {
        #expect(throws: NetworkKeyError.tooLong(byteCount: 1_025)) {
            try NetworkKey(file: [UInt8](repeating: 0x0a, count: 1_025))
        }
    }
}
