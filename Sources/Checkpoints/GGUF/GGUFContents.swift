internal import Tensors

/// Any GGUF file as it is: its metadata and its tensors under the file's own names and in the
/// file's own row order, memory-mapped.
///
/// ``GGUFFile`` reads a model out of such a file; this type is for copying and comparing.
public final class GGUFContents: Sendable {
    /// The metadata in the order of the file.
    public let fields: [GGUFField]
    /// The tensors in the order of the data, under the names that GGUF has for them.
    public let tensors: [TensorDescription]

    private let file: MappedFile
    private let metadata: GGUFMetadata
    private let ranges: [String: Range<Int>]

    /// Opens a file and checks everything that it says before its data.
    ///
    /// - Throws: the first thing that is wrong, with the key or tensor that it is about.
    public init(path: String) throws(CheckpointError) {
        let file = try MappedFile(path: path)
        let header = try GGUFHeader(file)
        let layout = try GGUFLayout(header, path: path, fileByteCount: file.byteCount)
        self.file = file
        metadata = header.metadata
        var fields: [GGUFField] = []
        for (key, range) in header.fieldRanges {
            fields.append(GGUFField(key: key, bytes: try file.bytes(in: range, isUnchanged: true)))
        }
        self.fields = fields
        tensors = layout.tensors.map {
            TensorDescription(
                name: $0.name,
                shape: $0.shape,
                elementType: $0.elementType,
                byteCount: $0.range.count
            )
        }
        ranges = Dictionary(uniqueKeysWithValues: layout.tensors.map { ($0.name, $0.range) })
    }

    /// The text under a key, or `nil` if there is no such key.
    ///
    /// - Throws: `invalidKey` if the value is no text.
    public func string(_ key: String) throws(CheckpointError) -> String? {
        try metadata.string(key)
    }

    /// The number under a key, or `nil` if there is no such key.
    ///
    /// - Throws: `invalidKey` if the value is no floating-point number.
    public func float(_ key: String) throws(CheckpointError) -> Double? {
        try metadata.float(key)
    }

    /// Lends the bytes of a tensor for the length of a call.
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
}
