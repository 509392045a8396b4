internal import CSodium

/// A polynomial over the scalars of ristretto255 whose value at zero is a secret: Shamir's
/// sharing.
///
/// Any `threshold` shares rebuild the secret, fewer say nothing of it.
///
/// Source: Shamir, "How to share a secret", 1979; Feldman, "A practical scheme for non-interactive
/// verifiable secret sharing", 1987.
public struct SecretPolynomial: Sendable {
    /// How many shares rebuild the secret.
    public let threshold: Int
    /// The coefficients from the constant one on, 32 bytes each.
    private let coefficients: SecretBytes

    /// Takes the coefficients, the secret first.
    public init(coefficients: [SecretScalar]) {
        precondition(!coefficients.isEmpty, "a polynomial without coefficients")
        threshold = coefficients.count
        self.coefficients = unsafe .filled(count: 32 * coefficients.count) { memory in
            for (index, coefficient) in coefficients.enumerated() {
                unsafe coefficient.secret.withPointer {
                    unsafe (memory + 32 * index).update(from: $0, count: 32)
                }
            }
        }
    }

    /// Derives the coefficients after the first from a seed: coefficient k is BLAKE2b-512, keyed
    /// with the seed, of the domain and k (2 bytes, low first), modulo the order.
    ///
    /// One seed and domain serve one secret.
    public init(secret: SecretScalar, threshold: Int, seed: SecretBytes, domain: [UInt8]) {
        precondition((1...Int(UInt16.max)).contains(threshold), "a threshold of \(threshold)")
        var coefficients = [secret]
        for index in 1..<max(threshold, 1) {
            let wide = KeyedDerivation.blake2b(
                key: seed,
                message: domain + [UInt8(truncatingIfNeeded: index), UInt8(index >> 8)],
                byteCount: 64)
            coefficients.append(SecretScalar(reducing: wide))
        }
        self.init(coefficients: coefficients)
    }

    /// The commitments to the coefficients, the secret's first.
    public var commitments: [RistrettoPoint] {
        unsafe coefficients.withPointer { memory in
            (0..<threshold).map { index in
                var output = [UInt8](repeating: 0, count: RistrettoPoint.byteCount)
                let code = unsafe crypto_scalarmult_ristretto255_base(&output, memory + 32 * index)
                precondition(code == 0, "crypto_scalarmult_ristretto255_base returned \(code)")
                return RistrettoPoint(unchecked: output)
            }
        }
    }

    /// The shares of one holder, 32 bytes for each polynomial, one after another.
    ///
    /// The index is at least 1: at zero lies the secret.
    public static func shares(of polynomials: [SecretPolynomial], at index: UInt16) -> SecretBytes {
        precondition(index > 0 && !polynomials.isEmpty, "a share at \(index)")
        let place = RistrettoScalar(index)
        return unsafe .filled(count: 32 * polynomials.count) { memory in
            for (number, polynomial) in polynomials.enumerated() {
                unsafe polynomial.evaluate(at: place, into: memory + 32 * number)
            }
        }
    }

    /// Horner's rule from the last coefficient.
    private func evaluate(at place: RistrettoScalar, into output: UnsafeMutablePointer<UInt8>) {
        unsafe coefficients.withPointer { memory in
            unsafe output.update(from: memory + 32 * (threshold - 1), count: 32)
            for index in stride(from: threshold - 2, through: 0, by: -1) {
                unsafe crypto_core_ristretto255_scalar_mul(output, output, place.bytes)
                unsafe crypto_core_ristretto255_scalar_add(output, output, memory + 32 * index)
            }
        }
    }
}
