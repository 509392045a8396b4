import Cryptography
import Testing

@testable import Federation

/// What a member's masked update looks like on the wire.
@Suite struct SecureUniformityTests {
    /// The masked words of one member as they left it, shard by shard, and the plain ones.
    private func captured(elements: Int) throws -> (masked: [UInt32], plain: [UInt32]) {
        var network = try SecureNetwork(count: 5, elements: elements, seed: 21)
        var shards: [Int: [UInt32]] = [:]
        network.watch = { _, delivery, _ in
            guard delivery.from == 2, SecureDataFrame.isDataFrame(delivery.bytes),
                let frame = try? SecureDataFrame(
                    bytes: delivery.bytes, wordCountMax: elements + 1),
                frame.kind == .maskedShard
            else { return }
            shards[frame.shard] = frame.words
        }
        network.startAll()
        network.run()
        #expect(network.nodes.allSatisfy { $0.opened.map(network.isExact) == true })
        let map = ShardMap(wordCount: elements + 1, memberCount: 5)
        var masked: [UInt32] = []
        var plain: [UInt32] = []
        // The member sends every shard but the one that it may own itself.
        for shard in 0..<map.shardCount {
            guard let words = shards[shard] else { continue }
            masked += words
            plain += (network.inputs[2] + [UInt32(network.weights[2])])[map.range(of: shard)]
        }
        return (masked, plain)
    }

    /// Pearson's statistic of 256 equally likely values: mean 255, deviation sqrt(510) = 22.6.
    private func chiSquare(_ bytes: [UInt8]) -> Double {
        var counts = [Int](repeating: 0, count: 256)
        for byte in bytes { counts[Int(byte)] += 1 }
        let expected = Double(bytes.count) / 256
        return counts.reduce(0) { sum, count in
            sum + (Double(count) - expected) * (Double(count) - expected) / expected
        }
    }

    /// A normal deviate of magnitude 6 comes once in 500 million; the seed is fixed besides.
    @Test func `every byte and every bit of a masked update is uniform`() throws {
        let (masked, plain) = try captured(elements: 50_000)
        #expect(masked.count > 30_000)
        for position in 0..<4 {
            let shift = UInt32(8 * position)
            let seen = chiSquare(masked.map { UInt8(truncatingIfNeeded: $0 >> shift) })
            #expect(abs(seen - 255) < 6 * 22.6, "byte \(position): \(seen)")
        }
        // The same test tells the plain words, which fill 21 of 32 bits.
        let top = chiSquare(plain.map { UInt8(truncatingIfNeeded: $0 >> 24) })
        #expect(top > 100_000)
        let deviation = Double(masked.count).squareRoot() / 2
        for bit in 0..<32 {
            let half = Double(masked.count) / 2
            let ones = Double(masked.count { $0 >> UInt32(bit) & 1 == 1 })
            #expect(abs(ones - half) < 6 * deviation, "bit \(bit): \(ones) of \(masked.count)")
            // And whether it is the plain bit is as likely as not.
            let changed = Double(
                zip(masked, plain).count { ($0 ^ $1) >> UInt32(bit) & 1 == 1 })
            #expect(abs(changed - half) < 6 * deviation, "bit \(bit): \(changed) changed")
        }
    }

    @Test func `neighbouring masked words have nothing to do with each other`() throws {
        let (masked, _) = try captured(elements: 50_000)
        let values = masked.map { Double($0) / 4_294_967_296 - 0.5 }
        for lag in [1, 2, 16, 4096] {
            let pairs = zip(values, values.dropFirst(lag))
            let mean = pairs.reduce(0) { $0 + $1.0 * $1.1 } / Double(values.count - lag)
            // The product of two uniform numbers of variance 1/12 has deviation 1/12.
            let deviation = 1 / 12 / Double(values.count - lag).squareRoot()
            #expect(abs(mean) < 6 * deviation, "lag \(lag): \(mean)")
        }
    }

    @Test func `two rounds of one update look nothing alike`() throws {
        var first = try SecureNetwork(count: 5, elements: 9000, seed: 22)
        var second = try SecureNetwork(count: 5, elements: 9000, seed: 22)
        second.generator = TestGenerator(state: 77)
        first.startAll()
        first.run()
        second.startAll()
        second.run()
        func words(_ network: SecureNetwork) -> [UInt32] {
            network.nodes[0].sent.compactMap {
                try? SecureDataFrame(bytes: $0, wordCountMax: 9001)
            }.filter { $0.kind == .maskedShard }.sorted { $0.shard < $1.shard }.flatMap(\.words)
        }
        let pair = zip(words(first), words(second))
        let equal = pair.count { $0 == $1 }
        #expect(words(first).count > 4000)
        #expect(equal <= 2)
    }
}
