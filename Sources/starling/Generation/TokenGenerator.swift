internal import Adapters
internal import Checkpoints
internal import Models

/// Continues token sequences, one token after another.
struct TokenGenerator {
    let model: AdaptedModel
    /// Tokens that end a text; the one met is the last of the result.
    let stop: Set<Int>
    var sampler: TokenSampler

    /// What was made, and the logits of the position after the prompt.
    struct Result {
        var tokens: [Int]
        var firstLogits: [Float]
    }

    /// Makes at most `countMax` tokens, fewer where the model's positions end.
    mutating func generate(prompt: [Int], countMax: Int) -> Result {
        let room = model.configuration.positionCountMax - prompt.count
        let count = min(countMax, room)
        let state = model.makeGenerationState(capacity: prompt.count + max(count, 0))
        let firstLogits = model.nextLogits(appending: prompt, to: state)
        var logits = firstLogits
        var tokens: [Int] = []
        while tokens.count < count {
            let token = sampler.token(for: logits)
            tokens.append(token)
            if stop.contains(token) || tokens.count == count { break }
            logits = model.nextLogits(appending: [token], to: state)
        }
        return Result(tokens: tokens, firstLogits: firstLogits)
    }
}
