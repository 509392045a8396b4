import Cryptography

@testable import LibP2P

/// The bytes of a literal of a test; a mistake in it stops the test.
func hex(_ text: String) -> [UInt8] {
    guard let bytes = Hexadecimal.decode(text.filter { !$0.isWhitespace }) else {
        preconditionFailure("not hexadecimal: \(text)")
    }
    return bytes
}

/// The identities I and R of the test vectors.
enum Fixtures {
    static let initiator = identity(seedByte: 1)
    static let responder = identity(seedByte: 2)
    static let initiatorID = PeerID(publicKey: initiator.publicKey)
    static let responderID = PeerID(publicKey: responder.publicKey)

    static func identity(seedByte: UInt8) -> SigningKey {
        guard let key = SigningKey(seed: [UInt8](repeating: seedByte, count: 32)) else {
            preconditionFailure("a seed of 32 bytes was refused")
        }
        return key
    }

    static func agreementKey(firstByte: UInt8) -> AgreementKey {
        guard let key = AgreementKey(secret: (0..<32).map { firstByte + $0 }) else {
            preconditionFailure("a key of 32 bytes was refused")
        }
        return key
    }

    static func address(_ text: String) -> Multiaddr {
        do {
            return try Multiaddr(text)
        } catch {
            preconditionFailure("\(text): \(error)")
        }
    }
}

/// How the bytes of a conversation are cut into reads.
enum ReadSize: CaseIterable {
    case oneByte, threeBytes, everything

    func cut(_ bytes: [UInt8]) -> [[UInt8]] {
        switch self {
        case .oneByte: bytes.map { [$0] }
        case .threeBytes:
            stride(from: 0, to: bytes.count, by: 3).map {
                Array(bytes[$0..<min($0 + 3, bytes.count)])
            }
        case .everything: [bytes]
        }
    }
}
