import Checkpoints
import Foundation
import Kernels
import Testing

@testable import Models

/// Against `Tests/Fixtures/models/frequencies.json`, which `make_fixtures.py` there writes.
@Suite struct RopeScalingTests {
    struct Case: Decodable {
        struct Parameters: Decodable {
            var ropeType: String
            var factor: Float
            var lowFreqFactor, highFreqFactor: Float?
            var originalMaxPositionEmbeddings: Int?
        }

        var theta: Float
        var headDimension: Int
        var parameters: Parameters
        var frequencies: [String]

        var scaling: RopeScaling {
            guard parameters.ropeType == "llama3" else {
                return .linear(factor: parameters.factor)
            }
            return .llama3(
                factor: parameters.factor,
                lowFrequencyFactor: parameters.lowFreqFactor ?? .nan,
                highFrequencyFactor: parameters.highFreqFactor ?? .nan,
                originalPositionCount: parameters.originalMaxPositionEmbeddings ?? 0
            )
        }
    }

    @Test func `scaled frequencies are those of transformers`() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../Fixtures/models/frequencies.json")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let cases = try decoder.decode([Case].self, from: Data(contentsOf: file))
        #expect(cases.count == 4)
        for test in cases {
            let plain = RotaryEmbedding.frequencies(
                headDimension: test.headDimension, theta: test.theta)
            let scaled = test.scaling.scale(plain)
            #expect(scaled.count == test.frequencies.count)
            #expect(scaled != plain)
            for (actual, text) in zip(scaled, test.frequencies) {
                let expected = try #require(Float(text))
                // Two powers may differ in their last bits.
                #expect(abs(actual - expected) <= 5 * expected.ulp, "\(actual) for \(expected)")
            }
        }
    }

    @Test func `divisors divide, and a divisor each is what blending amounts to`() {
        let plain = RotaryEmbedding.frequencies(headDimension: 8, theta: 500)
        #expect(
            RopeScaling.divisors([1, 2, 4, 8]).scale(plain) == zip(plain, [1, 2, 4, 8]).map(/))
        let blended = RopeScaling.llama3(
            factor: 4, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalPositionCount: 32
        ).scale(plain)
        let shares = zip(plain, blended).map(/)
        #expect(shares[0] == 1 && shares[1] > 1 && shares[1] < 4)
        #expect(shares[2] == 4 && shares[3] == 4)
    }

    @Test func `a scaling without an angle for each pair is refused`() {
        for scaling: RopeScaling in [
            .linear(factor: 0.5), .linear(factor: .nan), .linear(factor: .infinity),
            .divisors([1]), .divisors([1, 1, 1]), .divisors([1, 0]), .divisors([1, .nan]),
            .divisors([1, -1]),
            .llama3(
                factor: 2, lowFrequencyFactor: 4, highFrequencyFactor: 4,
                originalPositionCount: 8),
            .llama3(
                factor: 2, lowFrequencyFactor: 0, highFrequencyFactor: 4,
                originalPositionCount: 8),
            .llama3(
                factor: 2, lowFrequencyFactor: 1, highFrequencyFactor: 4,
                originalPositionCount: 0),
        ] {
            #expect(!scaling.isComputable(headDimension: 4), "\(scaling)")
            var source = MemoryTensorSource.closedForm(MemoryTensorSource.smallConfiguration())
            source.configuration.ropeScaling = scaling
            #expect(
                throws: ModelError.unsupportedConfiguration(field: "rope_scaling", value: 1)
            ) {
                try CausalLanguageModel(source: source, options: .exact)
            }
        }
        #expect(RopeScaling.divisors([1, 2]).isComputable(headDimension: 4))
        #expect(RopeScaling.linear(factor: 1).isComputable(headDimension: 4))
    }
}
