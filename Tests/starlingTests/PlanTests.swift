import ArgumentParser
import Foundation
import Kernels
import Models
import NodeServices
import Testing
import Training

@testable import starling

@Suite struct PlanTests {
    private static let config = """
        {
          "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
          "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
          "num_attention_heads": 9, "num_key_value_heads": 3, "vocab_size": 49152,
          "max_position_embeddings": 8192, "rms_norm_eps": 1e-05, "rope_theta": 100000,
          "tie_word_embeddings": true, "torch_dtype": "bfloat16"
        }
        """

    private func model(_ text: String = config) throws -> PlannedModel {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("starling-\(ProcessInfo.processInfo.globallyUniqueString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(text.utf8).write(to: folder.appendingPathComponent("config.json"))
        let home = NodeHome(path: folder.path)
        let whole = try PlannedModel(named: folder.path, home: home)
        let file = try PlannedModel(
            named: folder.appendingPathComponent("config.json").path, home: home)
        #expect(whole.outline == file.outline)
        return whole
    }

    private func report(_ outline: ModelOutline, megabytes: Int?) -> PlanReport {
        var request = PlanningRequest(
            model: outline,
            budget: megabytes.map { MemorySize(byteCount: $0 * 1_000_000) })
        request.computeType = .bfloat16
        return PlanReport(
            name: "model", planner: MemoryPlanner(request), localStepCount: 20)
    }

    @Test func `a lone config.json is enough for a plan`() throws {
        let outline = try model().outline
        #expect(outline.weightByteCount(.encoded) == 2 * 134_479_872)
        #expect(
            try model(Self.config.replacing("bfloat16", with: "float32"))
                .outline.weightByteCount(.encoded) == 4 * 134_479_872)
    }

    @Test func `the table marks one plan, and says what training everything would take`() throws {
        let text = report(try model().outline, megabytes: 600).text
        let lines = text.split(separator: "\n")
        #expect(lines.filter { $0.hasPrefix("*  ") }.count == 1)
        #expect(
            lines.first?.hasPrefix("model: 30 layers, 134 million weights, within 600MB") == true)
        #expect(lines.last?.contains("2.2 GB") == true)
        #expect(text.contains("relay only"))
        let columns = lines.dropFirst().dropLast(2).map(\.count)
        #expect(Set(columns).count == 1)
    }

    @Test func `where nothing fits, the report says so`() throws {
        #expect(report(try model().outline, megabytes: 10).text.contains("Nothing fits"))
    }

    @Test func `a memory bound and what it decides exclude each other`() throws {
        let words = ["--model", "m", "--data", "d", "--output", "o", "--memory", "250MB"]
        let command = try TrainCommand.parse(words + ["--rank", "4", "--length", "64"])
        #expect(command.memory.memory == MemorySize(byteCount: 250_000_000))
        for words in [
            words + ["--base", "stored"], words + ["--recompute", "layer"],
            words + ["--micro-batch-size", "1"], words + ["--last-layers", "2"],
            words.dropLast() + ["250 apples"],
        ] {
            #expect(throws: (any Error).self) { try TrainCommand.parse(words) }
        }
        let settings = try TrainCommand.parse(
            words.dropLast(2) + ["--optimizer", "mezo"]
        ).settings()
        #expect(settings.optimizer == .mezo && settings.learningRate == MeZO.learningRate)
    }
}
