extension LocalTrainer {
    /// The share of the first epoch's computed positions that is padding.
    public var paddingShare: Double {
        batches.paddingShare(inputCounts: sequences.map(\.inputCount), rowsPerPass: rowsPerPass)
    }

    /// What ``paddingShare`` would be if every row were a sequence of its own.
    public var unpackedPaddingShare: Double {
        BatchSchedule(
            rowCount: data.training.count,
            batchSize: settings.batchSize,
            seed: settings.seed
        ).paddingShare(inputCounts: data.training.map(\.inputCount), rowsPerPass: rowsPerPass)
    }

    /// The rows, each a sequence of its own, or packed.
    static func sequences(
        of rows: [TokenRow],
        settings: TrainingSettings
    ) throws(TrainingError) -> [PackedRow] {
        guard settings.packsRows else { return rows.map { PackedRow(texts: [$0]) } }
        let counts = rows.map(\.inputCount)
        if let longest = counts.max(), longest > settings.sequenceLength {
            throw .rowTooLong(inputCount: longest, sequenceLength: settings.sequenceLength)
        }
        let packing = RowPacking(
            inputCounts: counts,
            capacity: settings.sequenceLength,
            seed: settings.seed
        )
        return packing.sequences.map { PackedRow(texts: $0.map { rows[$0] }) }
    }
}
