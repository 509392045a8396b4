/// Mistral: a Llama whose positions see no further back than a window.
///
/// Source: Jiang et al. 2023, "Mistral 7B", section 2, with the names of Hugging Face's
/// `MistralForCausalLM`.
final class Mistral: LlamaRelative {
    static let modelType = "mistral"
    static let traits = DecoderTraits(slidingWindow: .optional)

    let body: Llama

    init(body: Llama) {
        self.body = body
    }
}
