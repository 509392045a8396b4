import CMaskLoop
import Cryptography
import Federation
import Foundation

/// The costs of secure rounds: masks beside a C loop, then whole rounds with all members in this
/// process, one after another, with bytes and processor time per member beside the formulas.
///
/// `SecureRounds [COUNTxELEMENTS ...]`; the default is a table of a few minutes.
@main struct SecureRounds {
    static func main() throws {
        let sizes = CommandLine.arguments.dropFirst().compactMap(Size.init)
        masks()
        print()
        print(
            "| n | d | bytes up per member | words | formula | statements | formula"
                + " | CPU s per member | masking | opening"
                + " | all masks by the formula at the C loop's rate | sum |")
        print("|---|---|---|---|---|---|---|---|---|---|---|---|")
        for size in sizes.isEmpty ? Size.defaults : sizes {
            print(try round(size))
        }
    }

    struct Size {
        let members: Int
        let elements: Int

        init(_ members: Int, _ elements: Int) {
            self.members = members
            self.elements = elements
        }

        init?(_ text: String) {
            let parts = text.split(separator: "x").compactMap { Int($0) }
            guard parts.count == 2 else { return nil }
            self.init(parts[0], parts[1])
        }

        static let defaults =
            [4, 8, 16, 32, 64].map { Size($0, 100_000) }
            + [4, 8, 16, 32].map { Size($0, 1_000_000) } + [Size(4, 10_000_000)]
    }

    /// Bytes a second of the C loop, as the last run of `masks` measured them.
    nonisolated(unsafe) static var loopRate = 1.0

    /// Sixteen masks over a million words, in turns with the C loop; medians of seven.
    static func masks() {
        let count = 1_000_000
        let seeds = (0..<16).map { _ in SecretBytes.random(count: 32) }
        let flat = seeds.flatMap { $0.copyBytes() }
        let masks = seeds.enumerated().map {
            MaskGenerator.Mask(seed: $0.element, isSubtracted: $0.offset % 2 == 1)
        }
        var ours = [UInt32](repeating: 7, count: count)
        var theirs = ours
        var times: (ours: [Double], theirs: [Double]) = ([], [])
        for turn in 0..<8 {
            let first = processorSeconds { MaskGenerator.apply(masks, to: &ours) }
            let second = processorSeconds {
                precondition(mask_loop(&theirs, count, flat, seeds.count) == 0)
            }
            precondition(ours == theirs, "the two loops differ")
            if turn > 0 {
                times.ours.append(first)
                times.theirs.append(second)
            }
        }
        let mine = times.ours.sorted()[3]
        let loop = times.theirs.sorted()[3]
        let byteCount = Double(4 * count * seeds.count)
        loopRate = byteCount / loop
        print(
            "16 masks of 1,000,000 words, medians of 7 in turns: MaskGenerator",
            format(mine * 1000, "ms,"), format(byteCount / mine / 1e9, "GB/s,"),
            format(Double(seeds.count * count) / mine / 1e6, "million mask words/s; C loop"),
            format(loop * 1000, "ms,"), format(loopRate / 1e9, "GB/s; ratio"),
            format(loop / mine, ""))
    }

    /// One round without failures, every frame delivered in order.
    static func round(_ size: Size) throws -> String {
        let n = size.members
        let keys = (0..<n).map { _ in SigningKey.generate() }
            .sorted { $0.publicKey < $1.publicKey }
        let format = SecureVectorFormat(
            elementCount: size.elements, fractionBitCount: 22, clipMagnitude: 1, weightUnit: 64)
        let zero = Hashing.blake2b256([])
        let policy = try SecurePolicy(
            manifestDigest: zero, round: 1, baseDigest: zero, schemaDigest: zero, format: format,
            candidates: keys.map(\.publicKey), beacon: zero, memberMinimum: min(n, 5),
            startedAtSeconds: 1_800_000_000)
        var run = Run(policy: policy, keys: keys)
        for index in keys.indices {
            run.tell(index, .started)
            run.tell(
                index,
                .contribution(
                    words: (0..<size.elements).map {
                        UInt32(truncatingIfNeeded: $0 % 1000 + index)
                    },
                    weight: 64))
        }
        run.deliver()
        let isExact =
            run.sums.count == n
            && run.sums.allSatisfy { sum in
                sum.words.enumerated().allSatisfy { place, word in
                    word == UInt32(n * (place % 1000) + n * (n - 1) / 2)
                }
            }
        let t = 2 * n / 3 + 1
        let data = 8.0 * Double(size.elements) * Double(n - 1) / Double(n)
        let control =
            Double(n - 1)
            * Double(64 * t + 200 + 168 + 32 * n + 160 + 34 * n + 66 * t + 600)
        let masks = 4.0 * Double(size.elements) * Double(2 * n) / loopRate
        let members = Double(n)
        return "| \(n) | \(size.elements) | "
            + [
                Self.format(Double(run.dataBytes + run.controlBytes) / members, ""),
                Self.format(Double(run.dataBytes) / members, ""), Self.format(data, ""),
                Self.format(Double(run.controlBytes) / members, ""),
                Self.format(control, ""), Self.format(run.seconds / members, ""),
                Self.format(run.maskingSeconds / members, ""),
                Self.format(run.openingSeconds / members, ""),
                Self.format(masks, ""), isExact ? "exact" : "WRONG",
            ].joined(separator: " | ") + " |"
    }

    /// Instances, what is under way between them, and what they cost.
    struct Run {
        var instances: [SecureGroupInstance]
        let indices: [PublicKey: Int]
        let keys: [SigningKey]
        var queue: [(from: Int, to: Int, bytes: [UInt8])] = []
        var next = 0
        var sums: [SecureSum] = []
        var seconds = 0.0
        /// Of the calls in which members masked, hashed and sent, and of those in which they opened.
        var maskingSeconds = 0.0
        var openingSeconds = 0.0
        var dataBytes = 0
        var controlBytes = 0

        init(policy: SecurePolicy, keys: [SigningKey]) {
            self.keys = keys
            indices = Dictionary(
                uniqueKeysWithValues: keys.enumerated().map { ($0.element.publicKey, $0.offset) })
            instances = keys.map {
                SecureGroupInstance(
                    policy: policy, signer: $0, secrets: .fresh(), records: [:],
                    now: Timestamp(milliseconds: 0))
            }
        }

        mutating func tell(_ index: Int, _ event: SecureEvent) {
            var directives: [SecureDirective] = []
            let spent = SecureRounds.processorSeconds {
                directives = instances[index].handle(event, now: Timestamp(milliseconds: 1))
            }
            seconds += spent
            if directives.contains(where: { if case .opened = $0 { true } else { false } }) {
                openingSeconds += spent
            } else if directives.contains(where: Self.isMaskCommit) {
                maskingSeconds += spent
            }
            for directive in directives {
                switch directive {
                case .send(let receivers, let bytes):
                    for receiver in receivers {
                        // Frames of words have the kinds from 32 on.
                        if bytes[0] >= 32 {
                            dataBytes += bytes.count
                        } else {
                            controlBytes += bytes.count
                        }
                        if let to = indices[receiver] { queue.append((index, to, bytes)) }
                    }
                case .opened(let sum):
                    sums.append(sum)
                    tell(index, .adapterReady(sum.digest))
                default: break
                }
            }
        }

        /// Whether masked words go out with a directive: a MASK_COMMIT says so first.
        private static func isMaskCommit(_ directive: SecureDirective) -> Bool {
            if case .send(_, let bytes) = directive { bytes[0] == 8 } else { false }
        }

        mutating func deliver() {
            while next < queue.count {
                let frame = queue[next]
                queue[next].bytes = []
                next += 1
                tell(frame.to, .received(from: keys[frame.from].publicKey, bytes: frame.bytes))
            }
        }
    }

    static func processorSeconds(_ body: () -> Void) -> Double {
        var start = timespec()
        var end = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start)
        body()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end)
        return Double(end.tv_sec - start.tv_sec) + Double(end.tv_nsec - start.tv_nsec) / 1e9
    }

    static func format(_ value: Double, _ unit: String) -> String {
        let text =
            value >= 1000
            ? String(Int(value.rounded())) : String(format: value >= 1 ? "%.2f" : "%.4f", value)
        return unit.isEmpty ? text : text + " " + unit
    }
}
