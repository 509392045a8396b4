/// Shamir's sharing byte by byte over GF(2^8) with the polynomial x^8 + x^4 + x^3 + x + 1.
///
/// The documented fallback of sharing over scalars: it needs no group, and its shares cannot be
/// checked against commitments. No branch and no table depends on a secret.
public enum BytewiseSharing {
    /// The product in the field: eight masked shifts.
    public static func multiply(_ left: UInt8, _ right: UInt8) -> UInt8 {
        var sum: UInt8 = 0
        var factor = left
        for bit in 0..<8 {
            sum ^= factor & (0 &- (right >> UInt8(bit) & 1))
            factor = factor << 1 ^ (0x1b & (0 &- (factor >> 7)))
        }
        return sum
    }

    /// The inverse in the field: the 254th power, and 0 for 0.
    public static func inverse(of value: UInt8) -> UInt8 {
        // 254 = 2 + 4 + ... + 128.
        var power = value
        var product: UInt8 = 1
        for _ in 0..<7 {
            power = multiply(power, power)
            product = multiply(product, power)
        }
        return product
    }

    /// The share of an index above 0: the coefficients from the secret on, all of one length.
    public static func share(coefficients: [[UInt8]], at index: UInt8) -> [UInt8] {
        precondition(index > 0 && !coefficients.isEmpty, "a share at \(index)")
        var share = coefficients[coefficients.count - 1]
        for coefficient in coefficients.dropLast().reversed() {
            precondition(coefficient.count == share.count, "coefficients of two lengths")
            for place in share.indices {
                share[place] = multiply(share[place], index) ^ coefficient[place]
            }
        }
        return share
    }

    /// The secret of as many shares as there were coefficients; nil for none, for an index that
    /// is 0 or there twice, and for shares of two lengths.
    public static func secret(of shares: [(index: UInt8, bytes: [UInt8])]) -> [UInt8]? {
        guard let byteCount = shares.first?.bytes.count,
            shares.allSatisfy({ $0.index > 0 && $0.bytes.count == byteCount }),
            Set(shares.map(\.index)).count == shares.count
        else { return nil }
        var secret = [UInt8](repeating: 0, count: byteCount)
        for (number, share) in shares.enumerated() {
            var coefficient: UInt8 = 1
            for (other, place) in shares.enumerated() where other != number {
                coefficient = multiply(
                    coefficient, multiply(place.index, inverse(of: place.index ^ share.index)))
            }
            for place in secret.indices {
                secret[place] ^= multiply(coefficient, share.bytes[place])
            }
        }
        return secret
    }
}
