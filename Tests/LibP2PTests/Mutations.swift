import Testing

@testable import LibP2P

/// A small generator with a seed (SplitMix64), so that a failure can be run again.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

/// Damages valid inputs at random: changed, inserted, removed, repeated and swapped bytes.
enum Mutations {
    /// Lengths and tags that parsers trip over.
    private static let interesting: [UInt8] = [0, 1, 0x7f, 0x80, 0xff, 0x0a, 0x2f]

    static func mutate(
        _ input: [UInt8], using generator: inout SeededGenerator
    ) -> [UInt8] {
        var bytes = input
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let position = Int.random(in: 0...bytes.count, using: &generator)
            let random = UInt8.random(in: 0...255, using: &generator)
            switch Int.random(in: 0..<7, using: &generator) {
            case 0 where position < bytes.count: bytes[position] = random
            case 1 where position < bytes.count: bytes[position] ^= 1 << (random & 7)
            case 2 where position < bytes.count: bytes.remove(at: position)
            case 3: bytes.insert(random, at: position)
            case 4: bytes.removeLast(bytes.count - position)
            case 5: bytes += bytes[..<position]
            case 6 where position < bytes.count:
                bytes[position] = interesting[Int(random) % interesting.count]
            default: break
            }
        }
        return bytes
    }

    /// Runs `body` on `count` damaged copies of each seed input, and on as many of pure noise.
    static func run(
        seed: UInt64, count: Int, inputs: [[UInt8]], _ body: ([UInt8]) throws -> Void
    ) rethrows {
        var generator = SeededGenerator(seed: seed)
        for input in inputs {
            for _ in 0..<count {
                try body(mutate(input, using: &generator))
            }
        }
        for _ in 0..<count {
            let length = Int.random(in: 0..<200, using: &generator)
            try body((0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) })
        }
    }
}
