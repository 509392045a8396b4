public import Cryptography

/// The content address of an update or of an adapter state; see `ContentAddress`.
public typealias ObjectID = Digest

extension Digest {
    /// 32 zero bytes, where a layout has a digest and there is none.
    static let zero: Digest = {
        guard let digest = Digest(bytes: [UInt8](repeating: 0, count: Digest.byteCount)) else {
            preconditionFailure("\(Digest.byteCount) bytes make a digest")
        }
        return digest
    }()
}
