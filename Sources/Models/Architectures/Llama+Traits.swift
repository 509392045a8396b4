internal import Checkpoints

extension Llama {
    /// A GGUF file of this architecture may hold what Hugging Face calls Mistral, or a Llama with
    /// biases, so all but the norms of queries and keys is allowed.
    static let traits = DecoderTraits(attentionBiases: .optional, slidingWindow: .optional)

    static func check(_ configuration: ModelConfiguration) throws(ModelError) {
        try traits.check(configuration)
    }
}
