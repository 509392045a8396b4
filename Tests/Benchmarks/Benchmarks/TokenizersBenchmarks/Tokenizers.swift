import Benchmark
import Foundation
import Tokenizers

/// Encoding of 100 kB of English-like text with the vocabulary of the tests.
let benchmarks: @Sendable () -> Void = {
    Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock, .cpuTotal, .throughput],
        warmupIterations: 2,
        maxDuration: .seconds(3),
        maxIterations: 200
    )
    for (name, text) in [("sentences", sentences()), ("one word", oneWord())] {
        Benchmark("encode 100kB \(name) BPE") { benchmark in
            let tokenizer = try makeTokenizer()
            benchmark.startMeasurement()
            for _ in benchmark.scaledIterations { blackHole(tokenizer.encode(text)) }
            benchmark.stopMeasurement()
        }
    }
    Benchmark("decode 100kB sentences BPE") { benchmark in
        let tokenizer = try makeTokenizer()
        let ids = tokenizer.encode(sentences())
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations { blackHole(tokenizer.decode(ids)) }
        benchmark.stopMeasurement()
    }
}

private let byteCount = 100_000

private func makeTokenizer() throws -> Tokenizer {
    let file = URL(filePath: #filePath)
        .appending(path: "../../../../Fixtures/tokenizer/trained-tokenizer.json")
        .standardizedFileURL
    let definition = try TokenizerDefinition(
        tokenizerJSON: [UInt8](Data(contentsOf: file)), tokenizerConfigJSON: nil)
    return try Tokenizer(definition)
}

/// Words in an order that does not repeat soon.
private func sentences() -> String {
    let words = [
        "the", "starling", "reads", "what", "others", "wrote", "yesterday", "and", "keeps", "a",
        "third", "of", "it", "under", "seventeen", "roofs", "Windmills", "don't", "turn", "2024",
    ]
    var text = ""
    var state: UInt32 = 1
    while text.utf8.count < byteCount {
        state = state &* 1_664_525 &+ 1_013_904_223
        text += words[Int(state >> 16) % words.count]
        text += state >> 28 == 0 ? ".\n" : " "
    }
    return String(text.prefix(byteCount))
}

/// A part that no pattern cuts: the worst case of merging.
private func oneWord() -> String {
    String(repeating: "abcdefghij", count: byteCount / 10)
}
