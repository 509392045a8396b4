internal import Tensors

/// Writes a GGUF file tensor by tensor; the file appears when it is complete.
///
/// The caller appends the bytes of all tensors, each as a whole, in the order of ``tensors`` and
/// commits. A writer that goes out of scope before that leaves nothing behind. What is written stays
/// within the bounds that the readers here keep to.
///
/// Source: the GGUF specification, version 3.
public struct GGUFWriter: ~Copyable {
    /// The tensors in the order in which their bytes are to be appended.
    public let tensors: [TensorDescription]
    private let file: AtomicFile
    private let alignment: Int
    private var nextIndex = 0

    /// ggml keeps a name and its end in 64 bytes.
    private static let nameByteCountMax = 63
    private static let alignmentKey = "general.alignment"

    /// Starts a file with its header.
    ///
    /// - Parameters:
    ///   - fields: the metadata in the order of the file; `general.alignment` decides how the data
    ///     are aligned, which is otherwise to 32 bytes.
    ///   - tensors: with names and row order of GGUF, in the order of the file.
    /// - Throws: `system`; `invalidKey`, `invalidTensor` or `limitExceeded` for a header that no
    ///   reader takes.
    public init(
        path: String,
        fields: [GGUFField],
        tensors: [TensorDescription]
    ) throws(CheckpointError) {
        let alignment = try Self.alignment(fields, path: path)
        let header = try Self.header(fields, tensors, alignment: alignment, path: path)
        let file = try AtomicFile(path: path)
        try file.append(header)
        self.alignment = alignment
        self.tensors = tensors
        self.file = file
    }

    /// Adds the bytes of the next tensor, all of them.
    public mutating func append(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
        precondition(nextIndex < tensors.count, "all \(tensors.count) tensors are written")
        let tensor = tensors[nextIndex]
        precondition(
            bytes.count == tensor.byteCount,
            "\(bytes.count) bytes for \(tensor.name) of \(tensor.byteCount)"
        )
        nextIndex += 1
        try unsafe file.append(bytes)
        try file.append(Self.padding(tensor.byteCount, to: alignment))
    }

    /// Gives the complete file its name.
    ///
    /// - Parameter replaces: whether a file of that name gives way; otherwise that is an error.
    public consuming func commit(replaces: Bool = true) throws(CheckpointError) {
        precondition(
            nextIndex == tensors.count,
            "\(nextIndex) of \(tensors.count) tensors are written"
        )
        try file.commit(replaces: replaces)
    }

    private static func header(
        _ fields: [GGUFField],
        _ tensors: [TensorDescription],
        alignment: Int,
        path: String
    ) throws(CheckpointError) -> [UInt8] {
        try check(fields, path: path)
        var bytes = Array("GGUF".utf8) + UInt32(3).littleEndianBytes
        bytes += UInt64(tensors.count).littleEndianBytes
        bytes += UInt64(fields.count).littleEndianBytes
        for field in fields { bytes += field.encoded }
        var offset = 0
        var names: Set<String> = []
        for tensor in tensors {
            if let problem = problem(of: tensor) {
                throw .invalidTensor(path: path, tensor: tensor.name, problem: problem)
            }
            guard names.insert(tensor.name).inserted else {
                throw .invalidTensor(path: path, tensor: tensor.name, problem: .duplicate)
            }
            bytes += GGUFTypedValue.encoded(tensor.name)
            bytes += UInt32(tensor.shape.extents.count).littleEndianBytes
            for extent in tensor.shape.extents.reversed() {
                bytes += UInt64(extent).littleEndianBytes
            }
            bytes += GGUFElementTypes.code(of: tensor.elementType).littleEndianBytes
            bytes += UInt64(offset).littleEndianBytes
            offset += tensor.byteCount + padding(tensor.byteCount, to: alignment).count
        }
        bytes += padding(bytes.count, to: alignment)
        try limit("the header's length", bytes.count, GGUFCursor.headerByteCountMax, path)
        try limit("the tensor count", tensors.count, GGUFHeader.Limits.tensorCount, path)
        return bytes
    }

    private static func check(_ fields: [GGUFField], path: String) throws(CheckpointError) {
        try limit("the key count", fields.count, GGUFHeader.Limits.keyCount, path)
        var keys: Set<String> = []
        for field in fields {
            guard keys.insert(field.key).inserted else {
                throw .invalidKey(path: path, key: field.key, problem: .duplicate)
            }
            try limit(
                "the length of the key \(field.key)", field.key.utf8.count,
                GGUFHeader.Limits.nameByteCount, path)
        }
    }

    private static func problem(
        of tensor: TensorDescription
    ) -> CheckpointError.TensorProblem? {
        let nameByteCount = tensor.name.utf8.count
        guard nameByteCount <= nameByteCountMax else {
            return .invalidEntry(
                "its name takes \(nameByteCount) bytes, more than \(nameByteCountMax)")
        }
        let extents = tensor.shape.extents
        guard !extents.isEmpty, extents.count <= GGUFHeader.Limits.extentCount,
            !extents.contains(0), tensor.byteCount == tensor.elementType.byteCount(of: tensor.shape)
        else { return .invalidShape(extents.map { UInt64($0) }) }
        return nil
    }

    /// The alignment that the fields ask for, as a reader takes it from them.
    private static func alignment(
        _ fields: [GGUFField],
        path: String
    ) throws(CheckpointError) -> Int {
        guard let field = fields.first(where: { $0.key == alignmentKey }) else { return 32 }
        let powers = (3...16).map { 1 << $0 }
        guard
            let alignment = powers.first(where: {
                field == GGUFField(alignmentKey, .uint32(UInt32($0)))
            })
        else {
            throw .invalidKey(
                path: path,
                key: alignmentKey,
                problem: .outOfRange(
                    value: "another value", expected: "a power of two from 8 to 65536, 32 bits wide"
                )
            )
        }
        return alignment
    }

    private static func limit(
        _ item: String, _ actual: Int, _ limit: Int, _ path: String
    ) throws(CheckpointError) {
        guard actual <= limit else {
            throw .limitExceeded(
                path: path, item: item, actual: UInt64(actual), limit: UInt64(limit))
        }
    }

    private static func padding(_ byteCount: Int, to alignment: Int) -> [UInt8] {
        [UInt8](repeating: 0, count: (alignment - byteCount % alignment) % alignment)
    }
}
