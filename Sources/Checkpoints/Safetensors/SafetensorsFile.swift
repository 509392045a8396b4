/// One safetensors file, memory-mapped.
public final class SafetensorsFile: Sendable {
    /// The tensors in ascending order of the names' UTF-8 bytes.
    public let tensors: [TensorDescription]
    /// `__metadata__` of the header.
    public let metadata: [String: String]

    private let file: MappedFile
    private let ranges: [String: Range<Int>]

    /// Opens a file and checks its whole header.
    ///
    /// - Throws: the first thing that is wrong, with the tensor that it is about.
    public init(path: String) throws(CheckpointError) {
        let file = try MappedFile(path: path)
        let header = try SafetensorsHeader(file)
        var ranges: [String: Range<Int>] = [:]
        for entry in header.entries {
            // Names that differ in bytes only are two tensors in the format and one in `String`.
            guard ranges.updateValue(entry.range, forKey: entry.description.name) == nil else {
                throw .invalidTensor(
                    path: path,
                    tensor: entry.description.name,
                    problem: .duplicate
                )
            }
        }
        self.file = file
        self.ranges = ranges
        tensors = header.entries.map(\.description)
        metadata = header.metadata
    }

    /// Lends the bytes of a tensor from the map for the length of a call.
    ///
    /// - Throws: what `body` throws; ``CheckpointError`` if the name is unknown or the file
    ///   changed.
    public func withBytes<Result>(
        of name: String,
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        guard let range = ranges[name] else {
            throw CheckpointError.invalidTensor(
                path: file.path,
                tensor: name,
                problem: .unknownName
            )
        }
        return try unsafe file.withBytes(in: range, body)
    }

    /// Copies the bytes of a tensor.
    func bytes(of name: String) throws(CheckpointError) -> [UInt8] {
        guard let range = ranges[name] else {
            throw .invalidTensor(path: file.path, tensor: name, problem: .unknownName)
        }
        return try file.bytes(in: range)
    }
}
