/// What writers of GGUF files have to know of a model: its architecture there, and the names and
/// row orders of its tensors.
struct GGUFExportNames {
    /// `general.architecture`; Mistral goes under Llama's name.
    let architecture: String
    private let configuration: ModelConfiguration

    /// - Throws: `unsupportedSetting` for a model type that has no architecture in GGUF.
    init(_ configuration: ModelConfiguration, path: String) throws(CheckpointError) {
        switch configuration.modelType {
        case "llama", "mistral": architecture = "llama"
        case "qwen2", "qwen3": architecture = configuration.modelType
        default:
            throw .unsupportedSetting(
                path: path,
                key: "model_type",
                value: configuration.modelType,
                supported: "llama, mistral, qwen2 or qwen3"
            )
        }
        self.configuration = configuration
    }

    /// The Hugging Face name of a GGUF tensor, and the rows of each of its heads where GGUF
    /// interleaves them; `nil` for a tensor that the model does not have.
    func huggingFaceName(of name: String) -> (name: String, headRowCount: Int?)? {
        guard
            let found = GGUFTensorNames.huggingFaceName(
                of: name,
                layerCount: configuration.layerCount
            )
        else { return nil }
        let isInterleaved = architecture == "llama" && found.rowOrder != .same
        return (found.name, isInterleaved ? configuration.headDimension : nil)
    }

    /// The GGUF names of all projections by the Hugging Face names of their weights, without the
    /// `.weight` that both end with.
    var projections: [String: (name: String, headRowCount: Int?)] {
        var result: [String: (name: String, headRowCount: Int?)] = [:]
        for layer in 0..<configuration.layerCount {
            for part in Self.projectionParts {
                let name = "blk.\(layer).\(part)"
                guard let found = huggingFaceName(of: name + Self.suffix) else { continue }
                result[String(found.name.dropLast(Self.suffix.count))] = (name, found.headRowCount)
            }
        }
        return result
    }

    private static let suffix = ".weight"
    private static let projectionParts = [
        "attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down",
    ]
}
