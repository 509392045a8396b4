public import Adapters
internal import Models

/// Evaluates a model, with or without an adapter.
public enum Evaluator {
    /// Sums the loss over rows.
    ///
    /// - Parameters:
    ///   - rowsPerPass: how many rows pass the model at once; more take more memory.
    ///   - progress: called after each pass with the number of finished rows; `false` ends the
    ///     evaluation with what has been summed.
    /// - Complexity: one forward pass per row.
    public static func evaluate(
        _ model: AdaptedModel,
        on rows: some RandomAccessCollection<TokenRow>,
        rowsPerPass: Int = 1,
        progress: (Int) -> Bool = { _ in true }
    ) -> Evaluation {
        precondition(rowsPerPass > 0, "\(rowsPerPass) rows per pass")
        var nats = 0.0
        var tokenCount = 0
        var byteCount = 0
        var done = 0
        while done < rows.count {
            let pass = rows.dropFirst(done).prefix(rowsPerPass)
            let batch = TokenBatch(rows: pass)
            if batch.targetCount > 0 {
                let sum = model.loss(batch)
                nats += sum.nats
                tokenCount += sum.tokenCount
            }
            byteCount += pass.reduce(0) { $0 + $1.byteCount }
            done += pass.count
            if !progress(done) { break }
        }
        return Evaluation(nats: nats, tokenCount: tokenCount, byteCount: byteCount)
    }
}
