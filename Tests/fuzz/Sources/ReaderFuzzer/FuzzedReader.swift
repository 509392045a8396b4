internal import Checkpoints
internal import Glibc
internal import Tokenizers
internal import Training

@testable internal import NodeServices

/// The readers of bytes that somebody else has written.
enum FuzzedReader: String, CaseIterable {
    case gguf, safetensors, tokenizer, config, jsonl, peerlist, announcement

    /// The one that the environment names.
    static let chosen: FuzzedReader? = unsafe getenv("STARLING_FUZZ_READER")
        .flatMap { unsafe String(validatingCString: $0) }.flatMap(FuzzedReader.init(rawValue:))

    static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }

    /// Reads an input to its end; that the reader refuses it is as good as that it takes it.
    func read(_ input: [UInt8]) {
        switch self {
        case .gguf:
            MemoryFile.with(input) { path in
                guard let file = try? GGUFFile(path: path) else { return }
                touch(file)
                if case .gguf(let vocabulary) = file.vocabulary {
                    precondition(vocabulary.tokenTypes.count == vocabulary.tokens.count)
                }
            }
        case .safetensors:
            MemoryFile.with(input) { path in
                guard let file = try? SafetensorsFile(path: path) else { return }
                for tensor in file.tensors {
                    try? unsafe file.withBytes(of: tensor.name) { unsafe touch($0, tensor) }
                }
            }
        case .tokenizer: TokenizerInput(input).read()
        case .config: _ = try? ModelConfiguration(configJSON: input)
        case .jsonl:
            _ = try? DatasetReader.readLines(input, path: "f.jsonl")
            _ = try? DatasetReader.readText(input, path: "f.txt")
        case .peerlist: _ = try? PeerListFile.parse(input, path: "f")
        case .announcement:
            if let announcement = try? FederationAnnouncement(bytes: input) {
                precondition(announcement.bytes == input, "an announcement has two forms")
            }
        }
    }

    private func touch(_ source: some TensorSource) {
        for tensor in source.tensors {
            try? unsafe source.withBytes(of: tensor.name) { unsafe touch($0, tensor) }
        }
    }

    /// Reads every byte that a tensor is said to have.
    private func touch(_ bytes: UnsafeRawBufferPointer, _ tensor: TensorDescription) {
        precondition(bytes.count == tensor.byteCount, "\(bytes.count) of \(tensor.byteCount)")
        var sum: UInt8 = 0
        for index in bytes.indices { sum ^= unsafe bytes[index] }
        unsafe sink = sum
    }
}

/// Keeps the compiler from leaving reads out; one thread runs the fuzzer.
nonisolated(unsafe) private var sink: UInt8 = 0
