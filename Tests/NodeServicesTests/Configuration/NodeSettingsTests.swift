import Foundation
import Kernels
import Models
import Testing
import Training

@testable import NodeServices

@Suite struct NodeSettingsTests {
    /// Writes a settings file, reads it, and removes it.
    private func read(_ text: String) throws -> NodeSettings {
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("starling-\(ProcessInfo.processInfo.globallyUniqueString).toml")
        try Data(text.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        return try NodeSettings.file(at: file.path)
    }

    @Test func `every key of the file is read`() throws {
        let settings = try read(
            """
            listen = ["/ip4/0.0.0.0/tcp/7411"]
            advertise = ["/ip4/203.0.113.5/tcp/7411"]
            relay = ["auto"]
            data = ["notes.jsonl", "letters.txt"]
            held-out = 0.2
            threads = 3
            compute = "bf16"
            base = "stored"
            recompute = "layer"
            memory = "250MB"
            method = "read"
            rank = 4
            layers = "last:2"
            retain-rounds = 5
            log-level = "info"
            """
        )
        var expected = NodeSettings()
        expected.listen = ["/ip4/0.0.0.0/tcp/7411"]
        expected.advertise = ["/ip4/203.0.113.5/tcp/7411"]
        expected.relay = ["auto"]
        expected.data = ["notes.jsonl", "letters.txt"]
        expected.heldOut = 0.2
        expected.threads = 3
        expected.compute = .bf16
        expected.base = .stored
        expected.recompute = .layer
        expected.memory = MemorySize(byteCount: 250_000_000)
        expected.method = .read
        expected.rank = 4
        expected.layers = "last:2"
        expected.retainRounds = 5
        expected.logLevel = "info"
        #expect(settings == expected)
    }

    @Test(arguments: [
        ("listne = []", "listne"),
        ("threads = \"two\"", "threads"),
        ("data = [1]", "data"),
        ("held-out = [", "line 1"),
        ("compute = \"f16\"", "\"auto\", \"f32\", \"bf16\""),
        ("base = 16", "\"stored\""),
        ("memory = 250", "an amount such as \"250MB\""),
        ("memory = \"much\"", "'memory' must be"),
        ("recompute = true", "'recompute' must be \"none\", \"mlp\", \"layer\""),
    ])
    func `what is wrong in the file is named`(text: String, part: String) {
        do {
            _ = try read(text)
            Issue.record("\(text) was read")
        } catch let error as NodeError {
            #expect(error.code == .invalidInput)
            #expect(error.message.contains(part), "\(error.message)")
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test func `a flag wins over the environment, the environment over the file`() throws {
        let file = try read("threads = 1\nheld-out = 0.1\nlog-level = \"info\"")
        let environment = try NodeSettings.environment([
            "STARLING_THREADS": "2", "STARLING_HELD_OUT": "0.5", "STARLING_DATA": "a.txt,b.txt",
        ])
        var flags = NodeSettings()
        flags.threads = 3
        let settings = flags.filled(from: environment).filled(from: file)
        #expect(settings.threads == 3)
        #expect(settings.heldOut == 0.5)
        #expect(settings.logLevel == "info")
        #expect(settings.data == ["a.txt", "b.txt"])
    }

    @Test func `what is computed with is the machine's choice unless something is set`() throws {
        #expect(NodeSettings().modelOptions == ModelOptions())
        let environment = try NodeSettings.environment([
            "STARLING_COMPUTE": "bf16", "STARLING_BASE": "f32", "STARLING_RECOMPUTE": "mlp",
        ])
        var flags = NodeSettings()
        flags.base = .stored
        #expect(
            flags.filled(from: environment).modelOptions
                == ModelOptions(
                    storage: .encoded, computeType: .bfloat16, recomputation: .mlp))
        #expect(throws: NodeError.self) {
            try NodeSettings.environment(["STARLING_BASE": "q4"])
        }
        for choice in ComputeChoice.allCases where choice != .auto {
            #expect(ComputeType(rawValue: choice.rawValue) != nil)
        }
        for choice in StorageChoice.allCases where choice != .auto {
            #expect(FrozenWeight.Storage(rawValue: choice.rawValue) != nil)
        }
        for choice in RecomputeChoice.allCases {
            #expect(ModelOptions.Recomputation(rawValue: choice.rawValue) != nil)
        }
    }

    @Test func `a number in the environment that is none is refused by name`() {
        #expect(throws: NodeError.self) {
            try NodeSettings.environment(["STARLING_RETAIN_ROUNDS": "many"])
        }
    }

    @Test func `a file that is not there says nothing`() throws {
        #expect(try NodeSettings.file(at: "/nowhere/starling.toml") == NodeSettings())
    }
}

extension NodeSettingsTests {
    @Test func `the sample file sets what it says`() throws {
        let sample = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("peers/starling.toml")
        let settings = try NodeSettings.file(at: sample.path)
        #expect(settings.listen == ["/ip4/0.0.0.0/tcp/7411"])
        #expect(settings.data == ["notes.jsonl"])
        #expect(settings.retainRounds == 8)
        #expect(try settings.trainedPart() == TrainedPart())
        #expect(
            settings.compute == .auto && settings.base == .auto
                && settings.recompute == RecomputeChoice.none)
    }
}
