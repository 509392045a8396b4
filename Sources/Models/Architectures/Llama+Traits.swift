internal import Checkpoints

extension Llama {
    /// GGUF files of this architecture may hold biases; one with a window is a ``Mistral``.
    static let traits = DecoderTraits(attentionBiases: .optional)

    static func check(_ configuration: ModelConfiguration) throws(ModelError) {
        try traits.check(configuration)
    }
}
