/// The key types that peer identities have; this node verifies Ed25519 only.
public enum KeyType: Hashable, Sendable, CustomStringConvertible {
    case rsa, ed25519, secp256k1, ecdsa
    /// A number that the specification does not list.
    case other(UInt64)

    /// Takes the number on the wire.
    public init(wireNumber: UInt64) {
        switch wireNumber {
        case 0: self = .rsa
        case 1: self = .ed25519
        case 2: self = .secp256k1
        case 3: self = .ecdsa
        default: self = .other(wireNumber)
        }
    }

    /// The name as people write it.
    public var description: String {
        switch self {
        case .rsa: "RSA"
        case .ed25519: "Ed25519"
        case .secp256k1: "Secp256k1"
        case .ecdsa: "ECDSA"
        case .other(let number): "key type \(number)"
        }
    }
}
