import Testing

@testable import Cryptography

/// The vectors of the secure aggregation protocol; docs/protocol/secure-aggregation.md, section 9.
@Suite struct SecretSharingTests {
    /// The scalar that a tag stands for.
    static func scalar(_ tag: String) -> SecretScalar {
        SecretScalar(reducing: wide(tag))
    }

    /// BLAKE2b-512 without a key.
    private static func wide(_ tag: String) -> SecretBytes {
        KeyedDerivation.blake2b(key: nil, message: Array(tag.utf8), byteCount: 64)
    }

    static let coefficients = (0...2).map { scalar("psa1/kat/coef/\($0)") }
    static let shares: [(index: UInt16, bytes: String)] = [
        (1, "d38b17f1ac699b5d441a5b00ceabf4a7b5796e9ad125af63f27a339fe71de702"),
        (2, "e2e98ef296010a79f00ca421180750c1686e7b71f8ad746093a9c11c2f6fd20d"),
        (3, "a4ac2a97bbf13f350174b88ec64c89e569b9085cb8245df3844ed2ee0e97ce06"),
        (5, "f5afa63d1e674bf0a91222d8ca7e11a25652a46b03de96db59fb7a90976af902"),
    ]

    @Test func `coefficients are those of the vectors`() {
        #expect(
            Self.coefficients.map { Hexadecimal.encode($0.secret.copyBytes()) } == [
                "513ab04c32f01893a9d5cc70a52e35c350dbe1d6438c0cfda1c2277638a30c06",
                "1f095081eafe27a6d35824bbe504c0e93d73cc394122911b287dcafe620fd20d",
                "3df002ddc4407fd47325591a006cbd24272bc0894c77114b283b412a4c6b080f",
            ])
    }

    @Test func `shares are those of the vectors`() {
        let polynomial = SecretPolynomial(coefficients: Self.coefficients)
        for share in Self.shares {
            let found = SecretPolynomial.shares(of: [polynomial], at: share.index)
            #expect(Hexadecimal.encode(found.copyBytes()) == share.bytes)
        }
        let both = SecretPolynomial.shares(of: [polynomial, polynomial], at: 3).copyBytes()
        #expect(both[..<32].elementsEqual(both[32...]))
    }

    @Test func `shares 1, 3 and 5 rebuild the secret with the coefficient of the vectors`() throws {
        let interpolation = try #require(SecretInterpolation(indices: [1, 3, 5]))
        #expect(
            Hexadecimal.encode(interpolation.coefficients[0].bytes)
                == "76a4197af07d0bf705c2da252b5c0b0d0000000000000000000000000000000a")
        let scalars = try [0, 2, 3].map {
            try #require(RistrettoScalar(bytes: hex(Self.shares[$0].bytes)))
        }
        let secret = try #require(interpolation.secret(of: scalars))
        #expect(secret.secret.isEqual(to: Self.coefficients[0].secret))
        let wrong = try #require(SecretInterpolation(indices: [1, 2, 5]))
        #expect(wrong.secret(of: scalars)?.secret.isEqual(to: secret.secret) != true)
    }

    @Test func `indices that repeat or are zero are refused`() {
        #expect(SecretInterpolation(indices: []) == nil)
        #expect(SecretInterpolation(indices: [0, 1]) == nil)
        #expect(SecretInterpolation(indices: [1, 2, 1]) == nil)
    }

    @Test func `commitments are those of the vectors`() {
        let points = SecretPolynomial(coefficients: Self.coefficients).commitments
        #expect(
            points.map { Hexadecimal.encode($0.bytes) } == [
                "a04a927c1617cdd7389d18f0b18123f3cb20245b4cd34d687ef24537ef62495f",
                "c85330af6e6751803e2b17683bc8c2def4c4bdb69bcc77540a3217dd4a6e5843",
                "b62e6ac2d08fbb90036293605f6bbf00663b6c8e89d6e7c418414246d7e90255",
            ])
        #expect(points[0] == Self.coefficients[0].point)
    }

    @Test func `a share fits its commitments and no other share does`() throws {
        let polynomial = SecretPolynomial(coefficients: Self.coefficients)
        let commitments = FeldmanCommitments(points: polynomial.commitments)
        let share = SecretPolynomial.shares(of: [polynomial], at: 5)
        #expect(commitments.isValidShare(in: share, offset: 0, at: 5))
        #expect(!commitments.isValidShare(in: share, offset: 0, at: 4))
        for bit in stride(from: 0, to: 256, by: 7) {
            var bytes = share.copyBytes()
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            let changed = SecretBytes(copying: bytes)
            #expect(!commitments.isValidShare(in: changed, offset: 0, at: 5))
            if let scalar = RistrettoScalar(bytes: bytes) {
                #expect(!commitments.isValidShare(scalar, at: 5))
            }
        }
        let revealed = try #require(RistrettoScalar(bytes: share.copyBytes()))
        #expect(commitments.isValidShare(revealed, at: 5))
    }

    @Test func `fewer shares than the threshold say nothing of the secret`() throws {
        let polynomial = SecretPolynomial(
            secret: .random(), threshold: 4, seed: .random(count: 32), domain: [1])
        let points = try (1...3).map { index in
            try #require(
                RistrettoScalar(
                    bytes: SecretPolynomial.shares(of: [polynomial], at: UInt16(index)).copyBytes())
            )
        }
        let three = try #require(SecretInterpolation(indices: [1, 2, 3]))
        #expect(three.secret(of: points)?.point != polynomial.commitments[0])
    }

    @Test func `one seed gives the same shares again, another domain gives others`() {
        let secret = SecretScalar.random()
        let seed = SecretBytes.random(count: 32)
        let shares = [[1], [1], [2]].map { (domain: [UInt8]) in
            SecretPolynomial.shares(
                of: [SecretPolynomial(secret: secret, threshold: 3, seed: seed, domain: domain)],
                at: 7)
        }
        #expect(shares[0].isEqual(to: shares[1]))
        #expect(!shares[0].isEqual(to: shares[2]))
    }

    /// Polynomial 0x11B.
    @Test func `bytewise shares are those of the vectors`() {
        #expect(BytewiseSharing.multiply(0x53, 0xca) == 0x01)
        #expect(BytewiseSharing.multiply(0x57, 0x83) == 0xc1)
        for value in 1...255 {
            let inverse = BytewiseSharing.inverse(of: UInt8(value))
            #expect(BytewiseSharing.multiply(UInt8(value), inverse) == 1)
        }
        let coefficients = ["53ca01ff", "01020304", "aabbccdd"].map(hex)
        let shares = ["f873ce26", "cf141aae", "64add577", "19877990", "b23eb649"].map(hex)
        for (offset, share) in shares.enumerated() {
            #expect(
                BytewiseSharing.share(coefficients: coefficients, at: UInt8(offset + 1)) == share)
        }
        #expect(
            BytewiseSharing.secret(of: [(2, shares[1]), (5, shares[4]), (1, shares[0])])
                == coefficients[0])
        #expect(BytewiseSharing.secret(of: [(2, shares[1]), (2, shares[1])]) == nil)
        #expect(BytewiseSharing.secret(of: [(0, shares[1])]) == nil)
        #expect(BytewiseSharing.secret(of: []) == nil)
    }
}
