internal import Testing

@testable internal import Checkpoints

@Suite struct RopeSettingsTests {
    /// SmolLM2's configuration with other rotary settings.
    private static func configuration(
        _ rope: String
    ) throws(CheckpointError) -> ModelConfiguration {
        let text = ModelConfigurationTests.text.replacing(#""rope_scaling": null"#, with: rope)
        return try ModelConfiguration(configJSON: Array(text.utf8))
    }

    private static let llama3 = #"""
        "factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
        "original_max_position_embeddings": 8192, "rope_type": "llama3"
        """#

    private static let blended = RopeScaling.llama3(
        factor: 32, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalPositionCount: 8192)

    @Test(arguments: ["rope_scaling", "rope_parameters"])
    func `scalings that are computed are read from either key`(key: String) throws {
        #expect(
            try Self.configuration("\"\(key)\": {\(Self.llama3)}").ropeScaling == Self.blended)
        for type in ["type", "rope_type"] {
            let linear = try Self.configuration(
                "\"\(key)\": {\"\(type)\": \"linear\", \"factor\": 2}")
            #expect(linear.ropeScaling == .linear(factor: 2))
            #expect(linear.ropeTheta == 100_000)
            let plain = try Self.configuration(
                "\"\(key)\": {\"\(type)\": \"default\", \"rope_theta\": 7}")
            #expect(plain.ropeScaling == nil && plain.ropeTheta == 7)
        }
        for empty in ["null", "{}"] {
            #expect(try Self.configuration("\"\(key)\": \(empty)").ropeScaling == nil)
        }
    }

    @Test func `a file may say the same under both keys, but not two things`() throws {
        let both = try Self.configuration(
            #""rope_scaling": {\#(Self.llama3)}, "rope_parameters": {"rope_theta": 5, \#(Self.llama3)}"#
        )
        #expect(both.ropeScaling == Self.blended && both.ropeTheta == 5)
        for second in [
            #"{"rope_type": "default"}"#, #"{"rope_theta": 6, \#(Self.llama3)}"#,
            #"{"rope_type": "linear", "factor": 32}"#,
        ] {
            let error = #expect(throws: CheckpointError.self) {
                try Self.configuration(
                    #""rope_scaling": {"rope_theta": 5, \#(Self.llama3)}, "rope_parameters": \#(second)"#
                )
            }
            guard case .unsupportedSetting(_, "rope_parameters", _, _) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test func `the positions of the first training are the outer key's, then the model's`() throws
    {
        func count(_ inner: String, _ outer: String) throws -> Int? {
            let text =
                #"\#(outer)"rope_scaling": {\#(inner)"type": "llama3", "factor": 2, "low_freq_factor": 1,"#
                + #" "high_freq_factor": 2}"#
            guard
                case .llama3(_, _, _, let count) = try Self.configuration(text).ropeScaling
            else { return nil }
            return count
        }
        let key = #""original_max_position_embeddings": "#
        #expect(try count("", "") == 8192)
        #expect(try count(key + "77, ", "") == 77)
        #expect(try count(key + "77, ", key + "99, ") == 99)
    }

    @Test(arguments: [
        (#""rope_parameters": {"rope_type": "yarn", "factor": 4}"#, "rope_parameters.rope_type"),
        (#""rope_scaling": {"type": "dynamic", "factor": 4}"#, "rope_scaling.type"),
        (#""rope_scaling": {"rope_type": "longrope"}"#, "rope_scaling.rope_type"),
        (#""rope_scaling": {"type": "su"}"#, "rope_scaling.type"),
        (#""rope_scaling": {"type": "mrope", "mrope_section": [1]}"#, "rope_scaling.type"),
        (#""rope_scaling": {"rope_type": "proportional"}"#, "rope_scaling.rope_type"),
        (#""rope_scaling": {"factor": 2}"#, "rope_scaling.factor"),
        (
            #""rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.5}"#,
            "rope_parameters.partial_rotary_factor"
        ),
        (
            #""rope_parameters": {"full_attention": {"rope_type": "default"}}"#,
            "rope_parameters.full_attention"
        ),
    ])
    func `rotations that are not computed are refused by name`(rope: String, key: String) {
        let error = #expect(throws: CheckpointError.self) { try Self.configuration(rope) }
        guard case .unsupportedSetting(_, let named, _, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(named == key)
    }

    @Test(arguments: [
        (#"{"type": "linear"}"#, "factor"), (#"{"type": "linear", "factor": "2"}"#, "factor"),
        (#"{"type": "linear", "factor": 0.5}"#, "factor"),
        (#"{"type": "linear", "factor": -2}"#, "factor"),
        (#"{"type": "linear", "factor": 1e300}"#, "factor"),
        (#"{"type": 3}"#, "type"),
        (#"{"type": "llama3", "factor": 2, "high_freq_factor": 4}"#, "low_freq_factor"),
        (#"{"type": "llama3", "factor": 2, "low_freq_factor": 4}"#, "high_freq_factor"),
        (
            #"{"type": "llama3", "factor": 2, "low_freq_factor": 4, "high_freq_factor": 4}"#,
            "high_freq_factor"
        ),
        (
            #"{"type": "llama3", "factor": 2, "low_freq_factor": 0, "high_freq_factor": 4}"#,
            "low_freq_factor"
        ),
        (
            #"{"type": "llama3", "low_freq_factor": 1, "high_freq_factor": 4}"#, "factor"
        ),
        (
            #"""
            {"type": "llama3", "factor": 2, "low_freq_factor": 1, "high_freq_factor": 4,
             "original_max_position_embeddings": 0}
            """#,
            "original_max_position_embeddings"
        ),
    ])
    func `scalings that make no sense are refused by name`(rope: String, key: String) {
        let error = #expect(throws: CheckpointError.self) {
            try Self.configuration("\"rope_scaling\": \(rope)")
        }
        guard case .invalidKey(_, let named, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(named == "rope_scaling." + key)
    }

    @Test func `rotary settings that are no object are refused`() {
        let error = #expect(throws: CheckpointError.self) {
            try Self.configuration(#""rope_scaling": 2.0"#)
        }
        #expect(
            error
                == .invalidKey(
                    path: "config.json", key: "rope_scaling",
                    problem: .wrongType(expected: "an object", actual: "a number")))
    }
}
