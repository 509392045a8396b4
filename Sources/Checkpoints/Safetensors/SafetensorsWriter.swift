internal import JSONDocuments
public import Tensors

/// Writes a safetensors file tensor by tensor; the file appears when it is complete.
///
/// The caller appends the bytes of all tensors in the order of ``tensors`` and commits. A writer
/// that goes out of scope before that leaves nothing behind.
public struct SafetensorsWriter: ~Copyable {
    /// The tensors in the order in which their bytes are to be appended: wider elements first, so
    /// that each is aligned, then by name.
    public let tensors: [TensorDescription]
    private let file: AtomicFile
    private let byteCount: Int
    private var appendedByteCount = 0

    /// Starts a file with its header.
    ///
    /// - Parameters:
    ///   - tensors: unquantised tensors with unique names, in any order.
    ///   - metadata: goes into `__metadata__`.
    /// - Throws: `system`.
    public init(
        path: String,
        tensors: [TensorDescription],
        metadata: [String: String] = ["format": "pt"]
    ) throws(CheckpointError) {
        let ordered = Self.ordered(tensors)
        let file = try AtomicFile(path: path)
        try file.append(Self.header(ordered, metadata: metadata))
        self.tensors = ordered
        self.file = file
        byteCount = tensors.reduce(0) { $0 + $1.byteCount }
    }

    /// Adds bytes of the tensor that is next or under way.
    public mutating func append(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
        appendedByteCount += bytes.count
        precondition(
            appendedByteCount <= byteCount,
            "\(appendedByteCount) bytes for tensors of \(byteCount)"
        )
        try unsafe file.append(bytes)
    }

    /// Gives the complete file its name, replacing what had it.
    public consuming func commit() throws(CheckpointError) {
        precondition(
            appendedByteCount == byteCount,
            "\(appendedByteCount) bytes for tensors of \(byteCount)"
        )
        try file.commit()
    }

    /// The bytes of a whole file of Float32 tensors.
    public static func encode(
        _ tensors: NamedTensors,
        metadata: [String: String] = ["format": "pt"]
    ) -> [UInt8] {
        let descriptions = tensors.elements.map {
            TensorDescription(
                name: $0.name,
                shape: $0.tensor.shape,
                elementType: .float32,
                byteCount: 4 * $0.tensor.shape.elementCount
            )
        }
        var bytes = header(ordered(descriptions), metadata: metadata)
        bytes.reserveCapacity(bytes.count + 4 * tensors.elementCount)
        for element in tensors.elements {
            for value in element.tensor.values {
                let bits = value.bitPattern
                bytes.append(UInt8(truncatingIfNeeded: bits))
                bytes.append(UInt8(truncatingIfNeeded: bits >> 8))
                bytes.append(UInt8(truncatingIfNeeded: bits >> 16))
                bytes.append(UInt8(truncatingIfNeeded: bits >> 24))
            }
        }
        return bytes
    }

    private static func ordered(_ tensors: [TensorDescription]) -> [TensorDescription] {
        tensors.sorted {
            let widths = ($0.elementType.blockByteCount, $1.elementType.blockByteCount)
            return widths.0 == widths.1
                ? NamedTensors.precedes($0.name, $1.name) : widths.0 > widths.1
        }
    }

    /// The length and the JSON text, padded with spaces so that the data starts at a multiple of
    /// eight.
    private static func header(
        _ tensors: [TensorDescription],
        metadata: [String: String]
    ) -> [UInt8] {
        var members: [JSONObject.Member] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { NamedTensors.precedes($0.key, $1.key) }
                .map { JSONObject.Member(key: $0.key, value: .string($0.value)) }
            members.append(.init(key: "__metadata__", value: .object(JSONObject(pairs))))
        }
        var offset = 0
        for tensor in tensors {
            precondition(
                tensor.elementType.blockElementCount == 1
                    && tensor.byteCount == tensor.elementType.byteCount(of: tensor.shape),
                "\(tensor.name) is quantised or has another length than its shape"
            )
            let end = offset + tensor.byteCount
            let entry = JSONObject([
                .init(key: "dtype", value: .string(tensor.elementType.rawValue)),
                .init(
                    key: "shape",
                    value: .array(tensor.shape.extents.map { .integer($0) })
                ),
                .init(key: "data_offsets", value: .array([.integer(offset), .integer(end)])),
            ])
            members.append(.init(key: tensor.name, value: .object(entry)))
            offset = end
        }
        var text = JSONValue.object(JSONObject(members)).encoded()
        while text.count % 8 != 0 { text.append(UInt8(ascii: " ")) }
        let length = UInt64(text.count)
        return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * UInt64($0))) } + text
    }
}
