import Adapters
import Models
import Testing

@Suite struct GenerationTests {
    static func model() throws -> AdaptedModel {
        AdaptedModel(
            model: try LoRATests.model().1,
            adapter: LoRATests.closedForm(usesRSLoRA: true)
        )
    }

    @Test func `the text is that of the likeliest token each time`() throws {
        let model = try Self.model()
        var text = [3, 10, 17]
        for _ in 0..<8 {
            let logits = model.nextLogits(tokens: text)
            let best = try #require(logits.indices.max { logits[$0] < logits[$1] })
            text.append(best)
        }
        var made: [Int] = []
        model.generate(prompt: [3, 10, 17], count: 8, stop: []) { made.append($0) }
        #expect(made == Array(text[3...]))
        // A stop token is not reported, and nothing follows it.
        var stopped: [Int] = []
        model.generate(prompt: [3, 10, 17], count: 8, stop: [made[2]]) { stopped.append($0) }
        #expect(stopped == Array(made.prefix { $0 != made[2] }))
    }

    @Test func `the text ends with the model's positions`() throws {
        let model = try Self.model()
        var count = 0
        model.generate(prompt: Array(0..<60), count: 1000, stop: []) { _ in count += 1 }
        #expect(count == 4)
        model.generate(prompt: Array(0..<64), count: 3, stop: []) { _ in count += 1 }
        #expect(count == 4)
    }
}
