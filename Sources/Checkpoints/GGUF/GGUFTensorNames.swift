/// The names of a model's tensors in GGUF and in Hugging Face files.
enum GGUFTensorNames {
    /// Which rows of a tensor lie in another order than in Hugging Face files.
    enum RowOrder: Hashable, Sendable {
        case same
        /// The rows of query heads, rotated pairs interleaved.
        case queryHeads
        /// The rows of key heads, rotated pairs interleaved.
        case keyHeads
    }

    /// The Hugging Face name and row order of a GGUF name; `nil` if the architecture has no such
    /// tensor.
    static func huggingFaceName(
        of name: String,
        architecture: GGUFArchitecture,
        layerCount: Int
    ) -> (name: String, rowOrder: RowOrder)? {
        guard let found = huggingFaceName(of: name, layerCount: layerCount) else { return nil }
        if name.hasSuffix(".bias"), !architecture.allowsAttentionBiases { return nil }
        if name.hasSuffix("_q_norm.weight") || name.hasSuffix("_k_norm.weight"),
            !architecture.normalizesQueriesAndKeys
        {
            return nil
        }
        return (found.name, architecture.interleavesRotaryRows ? found.rowOrder : .same)
    }

    /// The Hugging Face name of a GGUF name that any architecture has, with the row order of
    /// Llama's.
    private static func huggingFaceName(
        of name: String,
        layerCount: Int
    ) -> (name: String, rowOrder: RowOrder)? {
        if let outer = outerNames[name] { return (outer, .same) }
        let prefix = "blk."
        guard name.hasPrefix(prefix) else { return nil }
        let rest = name.dropFirst(prefix.count)
        guard let dot = rest.firstIndex(of: "."),
            let layer = Int(rest[..<dot]), layer >= 0, layer < layerCount,
            // "blk.00." and "blk.+0." would be second names of one tensor.
            String(layer) == rest[..<dot],
            let inner = layerNames[String(rest[rest.index(after: dot)...])]
        else { return nil }
        return ("model.layers.\(layer).\(inner.name)", inner.rowOrder)
    }

    private static let outerNames = [
        "token_embd.weight": "model.embed_tokens.weight",
        "output_norm.weight": "model.norm.weight",
        "output.weight": "lm_head.weight",
    ]

    private static let layerNames: [String: (name: String, rowOrder: RowOrder)] = [
        "attn_norm.weight": ("input_layernorm.weight", .same),
        "attn_q.weight": ("self_attn.q_proj.weight", .queryHeads),
        "attn_k.weight": ("self_attn.k_proj.weight", .keyHeads),
        "attn_v.weight": ("self_attn.v_proj.weight", .same),
        "attn_output.weight": ("self_attn.o_proj.weight", .same),
        "ffn_norm.weight": ("post_attention_layernorm.weight", .same),
        "ffn_gate.weight": ("mlp.gate_proj.weight", .same),
        "ffn_up.weight": ("mlp.up_proj.weight", .same),
        "ffn_down.weight": ("mlp.down_proj.weight", .same),
        "attn_q.bias": ("self_attn.q_proj.bias", .queryHeads),
        "attn_k.bias": ("self_attn.k_proj.bias", .keyHeads),
        "attn_v.bias": ("self_attn.v_proj.bias", .same),
        "attn_q_norm.weight": ("self_attn.q_norm.weight", .same),
        "attn_k_norm.weight": ("self_attn.k_norm.weight", .same),
    ]
}
