import Models
import Testing
import Tokenizers

@testable import Training

@Suite struct ExampleEncoderTests {
    private func encoder(
        max: Int = 100,
        hasTemplate: Bool = true,
        scope: ExampleEncoder.LossScope = .answer,
        vocabularySize: Int = ByteTokenizer.vocabularySize
    ) throws -> ExampleEncoder {
        ExampleEncoder(
            tokenizer: try ByteTokenizer.make(hasTemplate: hasTemplate),
            rowTokenCountMax: max,
            vocabularySize: vocabularySize,
            scope: scope
        )
    }

    private func example(_ content: Example.Content, line: Int? = 1) -> Example {
        Example(content: content, origin: Example.Origin(path: "f", line: line))
    }

    /// The text of the tokens that are to be predicted.
    private func answer(_ row: TokenRow) throws -> String {
        let tokens = row.targetRanges.flatMap { row.tokens[$0] }.map(Int.init)
        return try ByteTokenizer.make().decode(tokens)
    }

    @Test func `a text becomes windows that follow one another`() throws {
        let text = "abcdefghijk é"
        let rows = try encoder(max: 5).encode(example(.text(text))).rows
        #expect(rows.map(\.tokens.count) == [5, 5, 4])
        #expect(rows.flatMap(\.tokens) == text.utf8.map { Int32($0) })
        #expect(rows.map(\.byteCount) == [5, 5, 4])
        #expect(rows.allSatisfy { $0.targetRanges == [1..<$0.tokens.count] })
    }

    @Test func `a lone last token is no window`() throws {
        let rows = try encoder(max: 5).encode(example(.text("abcdef"))).rows
        #expect(rows.map(\.tokens.count) == [5])
        #expect(try encoder().encode(example(.text("a"))).rows.isEmpty)
    }

    @Test func `only what the assistant says is predicted`() throws {
        let messages: [Example.Message] = [
            .init(role: .system, content: "s"), .init(role: .user, content: "q1"),
            .init(role: .assistant, content: "first"), .init(role: .user, content: "q2"),
            .init(role: .assistant, content: "second"),
        ]
        let rows = try encoder(max: 200).encode(example(.messages(messages))).rows
        #expect(rows.count == 1)
        #expect(try answer(rows[0]) == "first<|im_end|>second<|im_end|>")
        #expect(rows[0].byteCount == 11)
        let all = try encoder(max: 200, scope: .everything).encode(example(.messages(messages)))
        #expect(all.rows[0].targetCount == all.rows[0].inputCount)
        #expect(all.rows[0].tokens == rows[0].tokens)
    }

    @Test func `a long conversation is cut inside an answer, and what is left is still right`()
        throws
    {
        let messages: [Example.Message] = [
            .init(role: .user, content: "q1"), .init(role: .assistant, content: "first"),
            .init(role: .assistant, content: "more"), .init(role: .user, content: "q2"),
            .init(role: .assistant, content: "second"), .init(role: .user, content: "q3"),
        ]
        let whole = try encoder(max: 500).encode(example(.messages(messages))).rows[0]
        let text = try ByteTokenizer.make().decode(whole.tokens.map(Int.init))
        // Every predicted token stands behind the assistant's mark and nothing else is between.
        for range in whole.targetRanges {
            let before = try ByteTokenizer.make().decode(
                whole.tokens[..<range.lowerBound].map(Int.init))
            #expect(before.hasSuffix("<|im_start|>assistant\n"))
            #expect(Int(whole.tokens[range.upperBound - 1]) == ByteTokenizer.endOfTurn)
        }
        #expect(try answer(whole) == "first<|im_end|>more<|im_end|>second<|im_end|>")
        #expect(text.hasSuffix("q3<|im_end|>\n"))
        let end = whole.targetRanges[2].lowerBound + 3
        let cut = try encoder(max: end).encode(example(.messages(messages)))
        #expect(cut.isTruncated)
        #expect(try answer(cut.rows[0]) == "first<|im_end|>more<|im_end|>sec")
        let question = try encoder(max: whole.targetRanges[2].lowerBound)
            .encode(example(.messages(messages)))
        #expect(try answer(question.rows[0]) == "first<|im_end|>more<|im_end|>")
    }

    @Test func `the prefix is what stands before the first answer`() throws {
        let encoder = ExampleEncoder(
            tokenizer: try ByteTokenizer.make(addsBOS: true),
            rowTokenCountMax: 100,
            vocabularySize: ByteTokenizer.vocabularySize,
            marksPrefixes: true
        )
        let messages: [Example.Message] = [
            .init(role: .user, content: "q1"), .init(role: .assistant, content: "first"),
            .init(role: .user, content: "q2"), .init(role: .assistant, content: "second"),
        ]
        let row = try encoder.encode(example(.messages(messages))).rows[0]
        #expect(row.prefixCount == row.targetRanges[0].lowerBound && row.prefixCount > 3)
        #expect(try answer(row) == "first<|im_end|>second<|im_end|>")
        #expect(try encoder.encode(example(.text("abc"))).rows[0].prefixCount == 0)
        let batch = TokenBatch(rows: [row])
        #expect(batch.prefixEnds.allSatisfy { $0 == Int32(row.prefixCount) })
        // The last position of the prefix predicts the first token of the answer.
        #expect(batch.targets[row.prefixCount - 1] == row.tokens[row.prefixCount])
        #expect(batch.targets[..<(row.prefixCount - 1)].allSatisfy { $0 == -1 })
    }

    @Test func `prompt and instruction are turns of a conversation`() throws {
        let prompt = try encoder().encode(example(.completion(prompt: "2+2", completion: "4")))
        #expect(
            try ByteTokenizer.make().decode(prompt.rows[0].tokens.map(Int.init))
                == "<|im_start|>user\n2+2<|im_end|>\n<|im_start|>assistant\n4<|im_end|>\n"
        )
        #expect(try answer(prompt.rows[0]) == "4<|im_end|>")
        let task = try encoder().encode(
            example(.instruction(instruction: "Add", input: "1 1", response: "2"))
        )
        #expect(
            try ByteTokenizer.make().decode(task.rows[0].tokens.map(Int.init))
                == "<|im_start|>user\nAdd\n\n1 1<|im_end|>\n<|im_start|>assistant\n2<|im_end|>\n"
        )
    }

    @Test func `without a chat template messages are refused and the rest is plain`() throws {
        let encoder = try encoder(hasTemplate: false)
        let row = try encoder.encode(example(.completion(prompt: "2+2=", completion: "4"))).rows[0]
        #expect(try answer(row) == "4<|im_end|>")
        #expect(row.tokens.count == 6)
        #expect(throws: DatasetError.chatTemplateMissing(path: "f", line: 1)) {
            try encoder.encode(example(.messages([.init(role: .assistant, content: "a")])))
        }
    }

    @Test func `an answer that does not fit is cut, and dropped when nothing is left of it`() throws
    {
        let long = example(.completion(prompt: "2+2", completion: "four, I think"))
        let whole = try encoder(max: 200).encode(long)
        #expect(!whole.isTruncated)
        let cut = try encoder(max: whole.rows[0].tokens.count - 5).encode(long)
        #expect(cut.isTruncated)
        #expect(try answer(cut.rows[0]) == "four, I th")
        let gone = try encoder(max: 10).encode(long)
        #expect(gone.isTruncated && gone.rows.isEmpty)
    }

    @Test func `a text begins as the model expects it to`() throws {
        let encoder = ExampleEncoder(
            tokenizer: try ByteTokenizer.make(addsBOS: true),
            rowTokenCountMax: 4,
            vocabularySize: ByteTokenizer.vocabularySize
        )
        let rows = try encoder.encode(example(.text("abcdef"))).rows
        #expect(rows.map(\.tokens.count) == [4, 3])
        #expect(rows[0].tokens[0] == Int32(ByteTokenizer.startOfTurn))
        #expect(rows.map(\.byteCount) == [3, 3])
    }

    @Test func `a token beyond the model is refused`() throws {
        #expect(
            throws: DatasetError.tokenOutsideVocabulary(
                path: "f",
                line: 1,
                token: 122,
                vocabularySize: 100
            )
        ) {
            try encoder(vocabularySize: 100).encode(example(.text("a z")))
        }
    }

    @Test func `rows of unequal length are filled up and their ends don't count`() {
        let batch = TokenBatch(rows: [
            TokenRow(tokens: [1, 2, 3, 4], targetRanges: [2..<3], byteCount: 1),
            TokenRow(text: [5, 6], byteCount: 2),
        ])
        #expect(batch.sequenceCount == 2 && batch.length == 3)
        #expect(batch.inputs == [1, 2, 3, 5, 0, 0])
        #expect(batch.targets == [-1, 3, -1, 6, -1, -1])
    }
}

@Suite struct TrainingDataTests {
    private func data(
        _ examples: [Example],
        fraction: Double = 0.3,
        seed: UInt64 = 1
    ) throws -> TrainingData {
        try TrainingData(
            TextDataset(examples: examples),
            encoder: ExampleEncoder(
                tokenizer: ByteTokenizer.make(),
                rowTokenCountMax: 8,
                vocabularySize: ByteTokenizer.vocabularySize
            ),
            heldOutFraction: fraction,
            seed: seed
        )
    }

    @Test func `windows of a text are split without overlap or loss`() throws {
        let text = (0..<40).map { "line \($0)\n" }.joined()
        let example = Example(content: .text(text), origin: Example.Origin(path: "t.txt"))
        let data = try data([example])
        let all = data.training + data.heldOut
        #expect(data.heldOut.count == Int((Double(all.count) * 0.3).rounded()))
        #expect(Set(all).count == all.count)
        #expect(all.reduce(0) { $0 + $1.byteCount } == text.utf8.count)
        #expect(Set(data.training).isDisjoint(with: data.heldOut))
        let again = try self.data([example])
        #expect(again.training == data.training && again.heldOut == data.heldOut)
        #expect(try self.data([example], seed: 2).heldOut != data.heldOut)
    }

    @Test func `a document of many rows stays on one side`() throws {
        let examples = (0..<10).map { number in
            Example(
                content: .text(String(repeating: "\(number)", count: 24)),
                origin: Example.Origin(path: "d.jsonl", line: number + 1)
            )
        }
        let data = try data(examples)
        #expect(data.heldOut.count == 9 && data.training.count == 21)
        let learned = Set(data.training.map { $0.tokens[0] })
        #expect(learned.isDisjoint(with: data.heldOut.map { $0.tokens[0] }))
    }

    @Test func `what repeats, is cut or says nothing is counted`() throws {
        let origin = Example.Origin(path: "d.jsonl", line: 1)
        let texts = ["same", "same", "other", "x"]
        let data = try data(
            texts.map { Example(content: .text($0), origin: origin) }
                + [
                    Example(
                        content: .completion(prompt: "far too long", completion: "a"),
                        origin: origin
                    )
                ],
            fraction: 0
        )
        #expect(data.training.count == 2 && data.heldOut.isEmpty)
        #expect(data.census.exampleCount == 5)
        #expect(data.census.duplicateCount == 1)
        #expect(data.census.droppedCount == 2)
        #expect(data.census.truncatedCount == 1)
    }

    @Test func `data without a token to predict is refused`() throws {
        let example = Example(content: .text("x"), origin: Example.Origin(path: "d.jsonl", line: 1))
        #expect(throws: DatasetError.nothingToLearn(exampleCount: 1, droppedCount: 1)) {
            try data([example])
        }
    }
}
