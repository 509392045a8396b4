import Cryptography
import Testing

@testable import Federation

/// The vectors of docs/protocol/secure-aggregation.md, section 9, as the protocol derives them.
@Suite struct SecureVectorTests {
    static let group = Hashing.blake2b256(Array("psa1/kat/roster".utf8))

    static func scalar(_ tag: String) -> SecretScalar {
        SecretScalar(
            reducing: KeyedDerivation.blake2b(
                key: nil, message: Array(tag.utf8), byteCount: 64))
    }

    @Test func `the group's name is that of the vectors`() {
        #expect(
            Self.group.hexadecimal
                == "82eb4d80206a5a359f1ff968b30270a131d11965decc4617ee464cf3698ac503")
    }

    @Test func `pair and own seeds are those of the vectors, from both sides`() throws {
        let first = Self.scalar("psa1/kat/sk/1")
        let second = Self.scalar("psa1/kat/sk/2")
        let expected = "7423303fd60fbda25a7b9ffd66730c934a529f192513fc8f81c325d28725e819"
        for (secret, other, pair) in [(first, second, (1, 2)), (second, first, (2, 1))] {
            let seed = SecureDerivation.pairSeed(
                sharedSecret: try secret.sharedSecret(with: other.point), group: Self.group,
                pair.0, pair.1)
            #expect(Hexadecimal.encode(seed.copyBytes()) == expected)
        }
        let own = SecureDerivation.selfSeed(
            secret: Self.scalar("psa1/kat/coef/0"), group: Self.group, member: 1)
        #expect(
            Hexadecimal.encode(own.copyBytes())
                == "d5f5ecc8651aace8bb0701fba1c576ea568e24dc148914aa71873bbe918348e6")
    }

    @Test func `a network key makes another group of the same roster`() {
        let bytes = Array("psa1/kat/roster".utf8)
        let open = SecureDerivation.groupID(rosterBytes: bytes, networkKey: nil)
        #expect(open == Self.group)
        let keys = [1, 2].map { SecretBytes(copying: [UInt8](repeating: $0, count: 32)) }
        let closed = keys.map {
            SecureDerivation.groupID(rosterBytes: bytes, networkKey: $0)
        }
        #expect(Set(closed + [open]).count == 3)
        #expect(closed[0] == Hashing.blake2b256(bytes, key: keys[0].copyBytes()))
    }

    /// The table of section 1: members, threshold, corruptions, minimum, smallest sum.
    @Test(arguments: [
        (3, 3, 0, 3, 3), (4, 3, 1, 3, 3), (4, 3, 1, 4, 4), (5, 4, 1, 5, 5), (6, 5, 1, 5, 5),
        (7, 5, 2, 5, 5), (16, 11, 5, 5, 11),
    ])
    func `thresholds are those of the table`(row: (Int, Int, Int, Int, Int)) {
        let thresholds = SecureThresholds(memberCount: row.0, memberMinimum: row.3)
        #expect(thresholds.threshold == row.1)
        #expect(thresholds.corruptCountMax == row.2)
        #expect(thresholds.participantMinimum == row.4)
    }

    /// Each honest member signs one of two contents or none; corrupt ones sign both.
    @Test func `two certificates are impossible up to the bound, and possible beyond`() {
        for count in 3...64 {
            let thresholds = SecureThresholds(memberCount: count, memberMinimum: 3)
            let threshold = thresholds.threshold
            for corrupt in [thresholds.corruptCountMax, count] {
                let honest = count - corrupt
                var isPossible = false
                for first in 0...honest {
                    for second in 0...(honest - first)
                    where first + corrupt >= threshold && second + corrupt >= threshold {
                        isPossible = true
                    }
                }
                #expect(isPossible == (corrupt == count), "\(count) members")
            }
        }
    }

    @Test func `shards begin at multiples of a chunk and cover every word once`() {
        for (words, members) in [(1, 16), (4096, 3), (4097, 3), (9001, 5), (1_000_001, 16)] {
            let map = ShardMap(wordCount: words, memberCount: members)
            var next = 0
            for shard in 0..<map.shardCount {
                let range = map.range(of: shard)
                #expect(range.lowerBound == next && !range.isEmpty)
                #expect(range.lowerBound.isMultiple(of: MaskGenerator.chunkWordCount))
                next = range.upperBound
            }
            #expect(next == words)
            #expect(map.shardCount == min(members, (words + 4095) / 4096))
        }
    }

    /// A zero vector of one member, as it travels: every byte value and every bit as often.
    @Test func `masked words look uniform whatever is masked`() throws {
        var network = try SecureNetwork(count: 5, elements: 20_000, seed: 11)
        var words: [UInt32] = []
        for index in network.nodes.indices {
            network.start(index, contributes: false)
            network.tell(
                index, .contribution(words: [UInt32](repeating: 0, count: 20_000), weight: 1))
        }
        network.run()
        for bytes in network.nodes[0].sent
        where bytes.first == SecureDataFrame.Kind.maskedShard.rawValue {
            words += try SecureDataFrame(bytes: bytes, wordCountMax: 20_001).words
        }
        try #require(words.count > 8000)
        #expect(network.nodes[0].opened?.words.allSatisfy { $0 == 0 } == true)
        var bins = [Int](repeating: 0, count: 256)
        var bits = [Int](repeating: 0, count: 32)
        for word in words {
            for shift in stride(from: 0, to: 32, by: 8) {
                bins[Int(word >> UInt32(shift) & 255)] += 1
            }
            for bit in 0..<32 where word >> UInt32(bit) & 1 == 1 { bits[bit] += 1 }
        }
        let expected = Double(4 * words.count) / 256
        let chiSquared = bins.reduce(0.0) {
            $0 + (Double($1) - expected) * (Double($1) - expected) / expected
        }
        // 255 degrees of freedom: mean 255, deviation 22.6; eight deviations on either side.
        #expect(chiSquared < 436 && chiSquared > 75, "\(chiSquared)")
        // The plain words are zero, so a set bit is one that differs from the plain pattern.
        let half = Double(words.count) / 2
        for (bit, count) in bits.enumerated() {
            #expect(
                abs(Double(count) - half) < 3.5 * Double(words.count).squareRoot(), "bit \(bit)")
        }
    }
}
