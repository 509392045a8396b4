public import Models

extension TokenBatch {
    /// Lays rows side by side, each a sequence of its own.
    ///
    /// Shape: [rows, longest row's inputs].
    public init(rows: some Collection<TokenRow>) {
        self.init(sequences: rows.map { PackedRow(texts: [$0]) })
    }

    /// Lays sequences side by side; shorter ones are filled up with token 0 behind their end, which
    /// what counts does not see, and with targets that are ignored.
    ///
    /// A text's last token is nowhere an input, so the text behind it begins in its place and no
    /// token is predicted from another text.
    ///
    /// Shape: [sequences, longest sequence's inputs].
    public init(sequences: some Collection<PackedRow>) {
        let length = sequences.map(\.inputCount).max() ?? 0
        var places = BatchPlaces(count: sequences.count * length)
        for (index, sequence) in sequences.enumerated() {
            var start = 0
            for text in sequence.texts {
                places.lay(text, from: start, ofSequenceAt: index * length)
                start += text.inputCount
            }
            places.fill(from: start, to: length, ofSequenceAt: index * length)
        }
        self.init(
            sequenceCount: sequences.count,
            length: length,
            inputs: places.inputs,
            targets: places.targets,
            segmentStarts: sequences.contains { $0.texts.count > 1 } ? places.segmentStarts : [],
            prefixEnds: places.hasPrefixes ? places.prefixEnds : []
        )
    }
}

/// The lists of a batch while texts are laid into it.
private struct BatchPlaces {
    var inputs: [Int32]
    var targets: [Int32]
    var segmentStarts: [Int32]
    var prefixEnds: [Int32]
    var hasPrefixes = false

    init(count: Int) {
        inputs = [Int32](repeating: 0, count: count)
        targets = [Int32](repeating: -1, count: count)
        segmentStarts = [Int32](repeating: 0, count: count)
        prefixEnds = [Int32](repeating: 0, count: count)
    }

    mutating func lay(_ text: TokenRow, from start: Int, ofSequenceAt base: Int) {
        for position in 0..<text.inputCount {
            let place = base + start + position
            inputs[place] = text.tokens[position]
            segmentStarts[place] = Int32(start)
            prefixEnds[place] = Int32(start + text.prefixCount)
        }
        for range in text.targetRanges {
            for position in range {
                targets[base + start + position - 1] = text.tokens[position]
            }
        }
        hasPrefixes = hasPrefixes || text.prefixCount > 0
    }

    /// Makes what is left of a sequence a text of its own, which predicts nothing.
    mutating func fill(from start: Int, to end: Int, ofSequenceAt base: Int) {
        for place in base + start..<base + end {
            segmentStarts[place] = Int32(start)
            prefixEnds[place] = Int32(start)
        }
    }
}
