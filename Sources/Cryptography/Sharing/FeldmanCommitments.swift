internal import CSodium

/// What a dealer publishes of its polynomial, so that every share can be checked against it.
///
/// Source: Feldman, "A practical scheme for non-interactive verifiable secret sharing", 1987.
public struct FeldmanCommitments: Hashable, Sendable {
    /// The commitments to the coefficients; the first is the secret's public point.
    public let points: [RistrettoPoint]

    /// Takes at least one commitment.
    public init(points: [RistrettoPoint]) {
        precondition(!points.isEmpty, "no commitments")
        self.points = points
    }

    /// The generator's multiple by the share of that index; nil where it is the identity, which
    /// only a dishonest dealer's can be.
    ///
    /// - Complexity: O(threshold) multiplications of points.
    public func sharePoint(at index: UInt16) -> RistrettoPoint? {
        let place = RistrettoScalar(index)
        var sum = points[points.count - 1]
        for point in points.dropLast().reversed() {
            guard let product = sum.multiplied(by: place), let next = product.adding(point) else {
                return nil
            }
            sum = next
        }
        return sum
    }

    /// Whether the 32 bytes from `offset` of a secret are the share of that index.
    public func isValidShare(in secret: SecretBytes, offset: Int, at index: UInt16) -> Bool {
        precondition(offset >= 0 && offset + 32 <= secret.count, "no share at \(offset)")
        let point: [UInt8]? = unsafe secret.withPointer { memory in
            guard unsafe SecretScalar.isCanonical(memory + offset) else { return nil }
            var output = [UInt8](repeating: 0, count: RistrettoPoint.byteCount)
            let code = unsafe crypto_scalarmult_ristretto255_base(&output, memory + offset)
            return code == 0 ? output : nil
        }
        guard let point, let expected = sharePoint(at: index) else { return false }
        return expected.bytes == point
    }

    /// Whether a share that was revealed is the one of that index.
    public func isValidShare(_ share: RistrettoScalar, at index: UInt16) -> Bool {
        var output = [UInt8](repeating: 0, count: RistrettoPoint.byteCount)
        guard unsafe crypto_scalarmult_ristretto255_base(&output, share.bytes) == 0,
            let expected = sharePoint(at: index)
        else { return false }
        return expected.bytes == output
    }
}
