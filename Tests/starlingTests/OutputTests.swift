import ArgumentParser
import JSONDocuments
import Models
import NodeServices
import Testing
import Training

@testable import starling

@Suite struct OutputTests {
    @Test func `a record keeps the order of its fields and is one line`() throws {
        var record = JSONRecord()
        record.add("step", 1)
        record.add("loss", 2.5)
        record.add("text", "a\n\"b\"")
        record.add("ids", [1, 2])
        record.add("bad", Double.nan)
        let line = record.line
        #expect(line == #"{"step":1,"loss":2.5,"text":"a\n\"b\"","ids":[1,2],"bad":null}"#)
        #expect(try JSONValue(parsing: Array(line.utf8)) == record.value)
    }

    @Test func `the peak of memory is read from the kernel's table`() {
        #expect(ProcessMemory.peakByteCount(status: "A:\t1\nVmHWM:\t   123 kB\n") == 125_952)
        #expect(ProcessMemory.peakByteCount(status: "VmHWM: x kB") == 0)
        #expect(ProcessMemory.peakByteCount(status: "") == 0)
        #expect(ProcessMemory.peakByteCount() > 1 << 20)
    }

    @Test func `time left is told as people tell it`() {
        #expect(Console.timeLeft(done: 1, of: 4, elapsed: .seconds(10)) == .seconds(30))
        #expect(Console.timeLeft(done: 0, of: 4, elapsed: .seconds(10)) == nil)
        #expect(Console.timeLeft(done: 4, of: 4, elapsed: .seconds(10)) == nil)
        #expect(Console.text(of: .seconds(41)) == "41 s")
        #expect(Console.text(of: .seconds(200)) == "3 min 20 s")
        #expect(Console.text(of: .seconds(7_500)) == "2 h 5 min")
    }

    @Test func `exit codes are listed in the docs`() throws {
        let page = try ExitCodePage()
        for reason in ExitReason.allCases {
            #expect(page.text.contains("| \(reason.rawValue) | `\(reason.name)` |"))
        }
    }

    @Test func `errors get the number of their kind`() {
        let data = CommandFailure(any: DatasetError.fileMissing(path: "a.txt"))
        #expect(data.reason == .dataUnusable && data.description.hasPrefix("a.txt"))
        #expect(
            CommandFailure(any: TrainingError.lossNotFinite(step: 3)).reason == .trainingDiverged)
        #expect(CommandFailure(any: CancellationError()).reason == .unexpected)
        let unknown = CommandFailure(model: "m", ModelError.unknownArchitecture(modelType: "bert"))
        #expect(unknown.reason == .modelUnsupported)
        #expect(unknown.description.hasSuffix("known are llama, mistral, qwen2, qwen3"))
        var home = HomeOptions()
        home.home = "/nowhere/home"
        #expect(throws: CommandFailure.self) {
            try LoadedModel(named: "/nowhere/model.gguf", home: home, options: .exact)
        }
    }
}

@Suite struct CommandTests {
    private func train(_ arguments: String...) throws -> TrainCommand {
        let base = ["--model", "m", "--data", "d.txt", "--output", "o"]
        return try #require(TrainCommand.parseAsRoot(base + arguments) as? TrainCommand)
    }

    @Test func `train takes what the contract says`() throws {
        let command = try train(
            "--steps", "7", "--batch", "3", "--length", "64", "--rank", "4", "--targets",
            "q_proj,v_proj", "--seed", "9", "--format", "json"
        )
        #expect(command.settings().totalStepCount == 7)
        #expect(command.settings().batchSize == 3)
        #expect(command.settings().sequenceLength == 64)
        #expect(command.settings().seed == 9)
        #expect(command.adapter.rank == 4)
        #expect(command.adapter.targets?.projections.map(\.rawValue) == ["q_proj", "v_proj"])
        #expect(command.format.format == .json)
        #expect(try train("--targets", "all").adapter.targets?.projections.count == 7)
        #expect(command.checkpoints.interval == 50)
    }

    @Test func `run takes how to compute, and says nothing where nothing is asked for`() throws {
        func run(_ arguments: String...) throws -> RunCommand {
            try #require(RunCommand.parseAsRoot(arguments) as? RunCommand)
        }
        let command = try run("--compute", "bf16", "--base", "stored", "--recompute", "layer")
        #expect(command.compute == .bf16 && command.base == .stored)
        #expect(command.recompute == .layer)
        let silent = try run()
        #expect(silent.compute == nil && silent.base == nil && silent.recompute == nil)
        for option in ["--compute", "--base", "--recompute"] {
            #expect(throws: (any Error).self) { try run(option, "f16") }
        }
    }

    @Test func `train takes the names that other trainers have`() throws {
        let command = try train(
            "--batch-size", "8", "--micro-batch-size", "2", "--max-grad-norm", "0", "--dropout",
            "0.05", "--schedule", "linear", "--packing", "--prefix-lm", "--resume", "state",
            "--checkpoint-every", "5"
        )
        #expect(command.settings().batchSize == 8 && command.settings().rowsPerPass == 2)
        #expect(command.settings().gradientClip == nil && command.settings().dropout == 0.05)
        #expect(command.settings().decay == .linear && command.settings().packsRows)
        #expect(command.loss.marksPrefixes && command.checkpoints.interval == 5)
    }

    @Test(arguments: [
        ["--steps", "0"], ["--batch", "0"], ["--length", "0"], ["--rank", "0"],
        ["--targets", "q_proj,x"], ["--targets", ""], ["--learning-rate", "nan"],
        ["--held-out", "1"], ["--patience", "2"], ["--log-every", "0"], ["--threads", "0"],
        ["--micro-batch-size", "3"], ["--dropout", "1"], ["--schedule", "step"],
        ["--checkpoint-every", "3"], ["--checkpoint", "a", "--checkpoint-every", "0"],
        ["--checkpoint", "a", "--resume", "b"], ["--prefix-lm", "--loss-on", "everything"],
        ["--start-adapter", "a", "--rank", "4"], ["--alpha", "-1"], ["--format", "xml"],
    ])
    func `train refuses what makes no sense`(arguments: [String]) {
        let base = ["--model", "m", "--data", "d.txt", "--output", "o"]
        #expect {
            _ = try TrainCommand.parseAsRoot(base + arguments)
        } throws: { error in
            TrainCommand.exitCode(for: error).rawValue == ExitReason.usage.rawValue
        }
    }

    @Test func `eval and generate take what the contract says`() throws {
        let eval = try #require(
            EvalCommand.parseAsRoot(
                ["--model", "m", "--adapter", "a", "--data", "d.txt", "--format", "json"]
            ) as? EvalCommand
        )
        #expect(eval.length == 512 && eval.adapter == "a" && eval.data == ["d.txt"])
        let generate = try #require(
            GenerateCommand.parseAsRoot(
                ["--model", "m", "--prompt", "P", "--max-tokens", "5", "--top-logits", "3"]
            ) as? GenerateCommand
        )
        #expect(generate.maxTokens == 5 && generate.topLogits == 3 && generate.temperature == 0)
    }
}

@Suite struct TokenSamplerTests {
    @Test func `temperature zero takes the likeliest, the lower among equals`() {
        var sampler = TokenSampler(temperature: 0, seed: 1)
        #expect(sampler.token(for: [1, 3, 3, 2]) == 1)
        let best = TokenSampler.largest(3, of: [1, 3, 3, 2])
        #expect(best.map(\.token) == [1, 2, 3])
        #expect(TokenSampler.largest(9, of: [1, 2]).count == 2)
    }

    @Test func `draws follow the softmax and the seed`() {
        let logits: [Float] = [0, 1, 2]
        func draws(_ seed: UInt64) -> [Int] {
            var sampler = TokenSampler(temperature: 1, seed: seed)
            return (0..<3_000).map { _ in sampler.token(for: logits) }
        }
        let drawn = draws(5)
        #expect(drawn == draws(5))
        #expect(drawn != draws(6))
        for (token, share) in [(0, 0.0900), (1, 0.2447), (2, 0.6652)] {
            let count = drawn.count { $0 == token }
            #expect(abs(Double(count) / 3_000 - share) < 0.03)
        }
    }
}
