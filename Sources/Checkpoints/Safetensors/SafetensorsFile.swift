public import Tensors

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
        // The header is in other memory now.
        unsafe file.giveBack(file.span)
    }

    /// Lends the bytes of a tensor from the map for the length of a call.
    ///
    /// - Throws: what `body` throws; ``CheckpointError`` if the name is unknown or the file
    ///   changed.
    public func withBytes<Result>(
        of name: String,
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        try unsafe file.withBytes(in: range(of: name), body)
    }

    /// The rows of a tensor in the file, which stays open as long as they are used.
    ///
    /// - Throws: ``CheckpointError`` if the name is unknown or the file changed.
    public func mappedRows(of name: String) throws(CheckpointError) -> MappedRows {
        try file.rows(in: range(of: name), order: .same)
    }

    /// Copies the bytes of a tensor.
    func bytes(of name: String) throws(CheckpointError) -> [UInt8] {
        try file.bytes(in: range(of: name))
    }

    private func range(of name: String) throws(CheckpointError) -> Range<Int> {
        guard let range = ranges[name] else {
            throw .invalidTensor(path: file.path, tensor: name, problem: .unknownName)
        }
        return range
    }
}
