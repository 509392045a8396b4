/// The examples of one or more files, before the tokenizer.
public struct TextDataset: Sendable {
    /// The examples in the order of the files and their lines.
    public let examples: [Example]

    /// Makes a data set from examples.
    public init(examples: [Example]) {
        self.examples = examples
    }

    /// Reads files and folders one after another.
    ///
    /// - Throws: the first thing that is wrong, with file and line.
    public init(
        paths: [String],
        limits: DatasetLimits = DatasetLimits()
    ) throws(DatasetError) {
        var examples: [Example] = []
        for path in paths {
            examples += try DatasetReader.read(path: path, limits: limits)
        }
        self.examples = examples
    }

    /// The bytes of all text that the examples hold.
    ///
    /// - Complexity: O(examples).
    public var byteCount: Int {
        examples.reduce(0) { $0 + $1.content.byteCount }
    }

    /// All rows in order, nothing left out but what has no token to predict: for evaluation.
    ///
    /// - Throws: `DatasetError.nothingToLearn` if no row is left, and what the encoder throws.
    public func rows(encoder: ExampleEncoder) throws(DatasetError) -> [TokenRow] {
        var rows: [TokenRow] = []
        for example in examples {
            rows += try encoder.encode(example).rows
        }
        guard !rows.isEmpty else {
            throw .nothingToLearn(exampleCount: examples.count, droppedCount: examples.count)
        }
        return rows
    }
}
