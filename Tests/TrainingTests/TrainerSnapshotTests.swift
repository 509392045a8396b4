import Tensors
import Testing

@testable import Training

@Suite struct TrainerSnapshotTests {
    private let identity = TrainerSnapshot.Identity(
        seed: 1,
        batchSize: 2,
        sequenceLength: 3,
        rowCount: 4,
        parameterCount: 2,
        parameterLayout: 6
    )

    private func bytes() -> [UInt8] {
        TrainerSnapshot(
            stepCount: 9,
            identity: identity,
            parameters: [1, -2.5],
            moments: TrainerSnapshot.Moments(
                stepCount: 8, first: [0.5, 0], second: [.leastNonzeroMagnitude, 3])
        ).encoded()
    }

    @Test func `an optimizer without moments has a snapshot without them`() throws {
        let bytes = TrainerSnapshot(
            stepCount: 9, identity: identity, parameters: [1, -2.5], moments: nil
        ).encoded()
        #expect(bytes.count == 72 + 8)
        let snapshot = try TrainerSnapshot(
            decoding: bytes, expected: identity, hasMoments: false)
        #expect(snapshot.encoded() == bytes && snapshot.moments == nil)
        // One kind is not taken for the other.
        #expect(error(bytes) == .notASnapshot)
        #expect(throws: TrainingError.notASnapshot) {
            try TrainerSnapshot(decoding: self.bytes(), expected: identity, hasMoments: false)
        }
    }

    private func error(_ bytes: [UInt8]) -> TrainingError? {
        do throws(TrainingError) {
            _ = try TrainerSnapshot(decoding: bytes, expected: identity)
            return nil
        } catch {
            return error
        }
    }

    @Test func `bytes are read back as they were written`() throws {
        let bytes = bytes()
        #expect(bytes.count == 72 + 24)
        #expect(Array(bytes[0..<6]) == [0x53, 0x54, 0x54, 0x53, 1, 0])
        let snapshot = try TrainerSnapshot(decoding: bytes, expected: identity)
        #expect(snapshot.encoded() == bytes)
        #expect(snapshot.stepCount == 9 && snapshot.parameters == [1, -2.5])
    }

    @Test func `every cut and every extra byte is refused`() {
        let bytes = bytes()
        for count in 0..<bytes.count {
            #expect(error(Array(bytes[..<count])) != nil)
        }
        #expect(error(bytes + [0]) == .snapshotByteCount(expected: 96, actual: 97))
    }

    @Test func `what belongs to another run is named`() {
        let fields: [TrainingError.SnapshotField] = [
            .seed, .batchSize, .sequenceLength, .rowCount, .parameterCount, .parameterLayout,
        ]
        for (index, field) in fields.enumerated() {
            var bytes = bytes()
            bytes[24 + 8 * index] ^= 0x40
            guard case .snapshotOfOtherRun(let named, _, _) = error(bytes) else {
                Issue.record("\(field) is not compared")
                continue
            }
            #expect(named == field)
        }
    }

    @Test func `versions, steps and numbers are checked`() {
        var version = bytes()
        version[4] = 2
        #expect(error(version) == .snapshotVersionUnknown(version: 2))
        var steps = bytes()
        steps[15] = 0xFF
        #expect(error(steps) == .notASnapshot)
        var moments = bytes()
        moments[16] = 10
        #expect(error(moments) == .notASnapshot)
        var number = bytes()
        number.replaceSubrange(72..<76, with: [0, 0, 0xC0, 0x7F])
        #expect(error(number) == .notASnapshot)
    }

    @Test func `no mutation does harm`() {
        var generator = SplitMix64(seed: 3)
        for _ in 0..<2_000 {
            var bytes = bytes()
            for _ in 0...generator.number(below: 4) {
                bytes[generator.number(below: bytes.count)] = UInt8(generator.number(below: 256))
            }
            if error(bytes) == nil {
                #expect(
                    (try? TrainerSnapshot(decoding: bytes, expected: identity))?.encoded() == bytes)
            }
        }
    }
}
