/// Qwen3: a Llama that norms each head's queries and keys before it turns them.
///
/// Its extra tensors are `self_attn.q_norm.weight` and `self_attn.k_norm.weight`, [D]. H x D need
/// not be the width of the residual stream.
///
/// Source: Yang et al. 2025, "Qwen3 Technical Report", section 2, with the names of Hugging Face's
/// `Qwen3ForCausalLM`.
///
/// ### Deviations
/// A window goes for all layers or for none.
final class Qwen3: LlamaRelative {
    static let modelType = "qwen3"
    static let traits = DecoderTraits(queryKeyNorms: .always, slidingWindow: .optional)

    let body: Llama

    init(body: Llama) {
        self.body = body
    }
}
