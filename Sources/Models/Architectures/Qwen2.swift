/// Qwen2: a Llama with biases of queries, keys and values, and a window in some models.
///
/// Its extra tensors are `self_attn.q_proj.bias`, [H x D], and `self_attn.k_proj.bias` and
/// `self_attn.v_proj.bias`, [key/value heads x D].
///
/// Source: Yang et al. 2024, "Qwen2 Technical Report", section 2.2, with the names of Hugging
/// Face's `Qwen2ForCausalLM`.
///
/// ### Deviations
/// A window goes for all layers or for none.
final class Qwen2: LlamaRelative {
    static let modelType = "qwen2"
    static let traits = DecoderTraits(attentionBiases: .always, slidingWindow: .optional)

    let body: Llama

    init(body: Llama) {
        self.body = body
    }
}
