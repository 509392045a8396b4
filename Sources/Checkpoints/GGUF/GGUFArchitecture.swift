/// An architecture of GGUF files, with what its files hold beside a plain Llama's tensors.
enum GGUFArchitecture: String, CaseIterable {
    /// Llama, and Mistral, which has no architecture of its own here.
    case llama
    case qwen2
    case qwen3

    /// All names as a message lists them.
    static var supportedNames: String {
        allCases.dropLast().map(\.rawValue).joined(separator: ", ")
            + " or \(allCases.last?.rawValue ?? "")"
    }

    /// Whether files may hold biases of queries, keys and values.
    var allowsAttentionBiases: Bool { self != .qwen3 }
    /// Whether files hold norms of queries and keys.
    var normalizesQueriesAndKeys: Bool { self == .qwen3 }
    /// Whether rotated pairs of rows lie side by side.
    var interleavesRotaryRows: Bool { self == .llama }
}
