internal import CSodium

/// Lagrange's interpolation at zero: the way from shares back to a secret.
///
/// The coefficients depend on the indices only, which are public.
public struct SecretInterpolation: Sendable {
    /// The holders' indices.
    public let indices: [UInt16]
    /// The factor of each holder's share.
    public let coefficients: [RistrettoScalar]

    /// Computes the coefficients; nil for an index that is zero or there twice, and for none.
    ///
    /// - Complexity: O(n^2) multiplications of scalars and one inversion per index.
    public init?(indices: [UInt16]) {
        guard !indices.isEmpty, !indices.contains(0), Set(indices).count == indices.count else {
            return nil
        }
        Sodium.prepare()
        var coefficients: [RistrettoScalar] = []
        for index in indices {
            var numerator = RistrettoScalar(1)
            var denominator = RistrettoScalar(1)
            for other in indices where other != index {
                let place = RistrettoScalar(other)
                numerator = numerator.multiplied(by: place)
                denominator = denominator.multiplied(
                    by: place.subtracting(RistrettoScalar(index)))
            }
            guard let inverse = denominator.inverse else { return nil }
            coefficients.append(numerator.multiplied(by: inverse))
        }
        self.indices = indices
        self.coefficients = coefficients
    }

    /// The secret of the shares, one for each index in order; nil where it is zero, which no
    /// honest dealer's is.
    public func secret(of shares: [RistrettoScalar]) -> SecretScalar? {
        precondition(shares.count == indices.count, "\(shares.count) shares")
        let sum = unsafe SecretBytes.filled(count: 32) { sum in
            unsafe sum.initialize(repeating: 0, count: 32)
            // The terms are as secret as the sum, so they lie in guarded memory too.
            guard let term = unsafe sodium_malloc(32) else {
                fatalError("sodium_malloc of 32 bytes failed")
            }
            let bytes = unsafe term.bindMemory(to: UInt8.self, capacity: 32)
            for (coefficient, share) in zip(coefficients, shares) {
                unsafe crypto_core_ristretto255_scalar_mul(bytes, coefficient.bytes, share.bytes)
                unsafe crypto_core_ristretto255_scalar_add(sum, sum, bytes)
            }
            unsafe sodium_free(term)
        }
        return SecretScalar(sum)
    }
}
