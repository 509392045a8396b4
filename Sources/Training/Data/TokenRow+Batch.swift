public import Models

extension TokenBatch {
    /// Lays rows side by side; shorter ones are filled up with token 0 behind their end, which
    /// causal attention hides from what counts, and with targets that are ignored.
    ///
    /// Shape: [rows, longest row's inputs].
    public init(rows: some Collection<TokenRow>) {
        let length = rows.map(\.inputCount).max() ?? 0
        var inputs = [Int32](repeating: 0, count: rows.count * length)
        var targets = [Int32](repeating: -1, count: rows.count * length)
        for (index, row) in rows.enumerated() {
            let start = index * length
            for position in 0..<row.inputCount {
                inputs[start + position] = row.tokens[position]
            }
            for range in row.targetRanges {
                for position in range {
                    targets[start + position - 1] = row.tokens[position]
                }
            }
        }
        self.init(
            sequenceCount: rows.count,
            length: length,
            inputs: inputs,
            targets: targets
        )
    }
}
