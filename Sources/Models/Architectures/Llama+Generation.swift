internal import Checkpoints
internal import Kernels

/// Texts that grow token by token.
extension Llama {
    func makeGenerationState(capacity: Int) -> GenerationState {
        GenerationState(
            configuration: configuration, capacity: capacity, type: options.computeType)
    }

    func nextLogits(
        appending tokens: [Int32],
        to state: GenerationState,
        tap: (any ProjectionTap)?
    ) -> [Float] {
        // A long prompt goes in pieces, so that its activations stay small.
        let pieceCount = Self.promptPieceCount
        var last: [Float] = []
        for lower in stride(from: 0, to: tokens.count, by: pieceCount) {
            let piece = Array(tokens[lower..<min(lower + pieceCount, tokens.count)])
            let pass = makePass(appending: piece, to: state, tap: tap)
            runLayers(pass)
            state.count += piece.count
            guard lower + piece.count == tokens.count else { continue }
            let row = piece.count - 1..<piece.count
            last = logits(norm(pass.workspace.stream.rows(row), into: pass.workspace.normed))
        }
        return last
    }

    func nextLogits(
        appending tokens: [Int32],
        to state: GenerationState,
        hiddenTap tap: any HiddenStateTap
    ) -> [Float] {
        // The tap sees the last token alone, so what comes before needs none.
        let pieceCount = Self.promptPieceCount
        let first = (tokens.count - 1) / pieceCount * pieceCount
        if first > 0 {
            _ = nextLogits(
                appending: Array(tokens[..<first]), to: state, tap: tap.projections)
        }
        let piece = Array(tokens[first...])
        let pass = makePass(
            appending: piece, to: state, tap: tap.projections, hiddenTap: tap)
        let row = piece.count - 1..<piece.count
        begin(tap, rows: Array(row), trains: false)
        runLayers(pass)
        state.count += piece.count
        let hidden = pass.workspace.stream.rows(row)
        tap.correct(hidden, rows: 0..<1)
        return logits(norm(hidden, into: pass.workspace.normed))
    }
}
