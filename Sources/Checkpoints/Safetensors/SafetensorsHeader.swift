internal import JSONDocuments
internal import Tensors

/// The header of a safetensors file: which tensors it has and where.
///
/// Source: the format's description, whose rules are all enforced: unique names, no byte shared
/// and none left over.
struct SafetensorsHeader {
    struct Entry {
        let description: TensorDescription
        /// From the start of the file.
        let range: Range<Int>
    }

    /// The format's own bound on the header.
    static let headerByteCountMax = 100_000_000
    /// `{"t":{"dtype":…,"shape":[…],"data_offsets":[…]}}` is three levels deep.
    static let jsonDepthMax = 4
    static let extentCountMax = 8

    /// In ascending order of the names' UTF-8 bytes.
    let entries: [Entry]
    /// `__metadata__`.
    let metadata: [String: String]

    init(_ file: MappedFile) throws(CheckpointError) {
        let path = file.path
        guard file.byteCount >= 8 else {
            throw .truncated(
                path: path,
                item: "the length of the header",
                offset: 0,
                neededByteCount: 8
            )
        }
        let length = file.integer(at: 0, as: UInt64.self)
        guard length <= UInt64(Self.headerByteCountMax) else {
            throw .limitExceeded(
                path: path,
                item: "the length of the header",
                actual: length,
                limit: UInt64(Self.headerByteCountMax)
            )
        }
        let dataOffset = 8 + Int(length)
        guard dataOffset <= file.byteCount else {
            throw .truncated(path: path, item: "the header", offset: 8, neededByteCount: length)
        }
        let object = try Self.parse(try file.bytes(in: 8..<dataOffset), path: path)
        var entries: [Entry] = []
        var metadata: [String: String] = [:]
        for member in object.members {
            if member.key == "__metadata__" {
                metadata = try Self.metadata(member.value, path: path)
                continue
            }
            do {
                entries.append(
                    try Self.entry(
                        member,
                        dataOffset: dataOffset,
                        dataByteCount: file.byteCount - dataOffset
                    )
                )
            } catch {
                throw .invalidTensor(path: path, tensor: member.key, problem: error)
            }
        }
        try Self.checkCoverage(entries, dataOffset: dataOffset, file: file)
        self.entries = entries.sorted {
            NamedTensors.precedes($0.description.name, $1.description.name)
        }
        self.metadata = metadata
    }

    private static func parse(
        _ bytes: [UInt8],
        path: String
    ) throws(CheckpointError) -> JSONObject {
        let value: JSONValue
        do {
            value = try JSONValue(
                parsing: bytes,
                limits: JSONLimits(byteCountMax: headerByteCountMax, depthMax: jsonDepthMax)
            )
        } catch {
            throw .invalidJSON(path: path, error)
        }
        guard let object = value.object else {
            throw .invalidKey(
                path: path,
                key: "the header",
                problem: .wrongType(expected: "an object", actual: value.kind)
            )
        }
        return object
    }

    private static func metadata(
        _ value: JSONValue,
        path: String
    ) throws(CheckpointError) -> [String: String] {
        var metadata: [String: String] = [:]
        for member in value.object?.members ?? [] {
            guard let text = member.value.string else {
                throw .invalidKey(
                    path: path,
                    key: "__metadata__.\(member.key)",
                    problem: .wrongType(expected: "a string", actual: member.value.kind)
                )
            }
            metadata[member.key] = text
        }
        guard value.object != nil else {
            throw .invalidKey(
                path: path,
                key: "__metadata__",
                problem: .wrongType(expected: "an object", actual: value.kind)
            )
        }
        return metadata
    }

    private static func entry(
        _ member: JSONObject.Member,
        dataOffset: Int,
        dataByteCount: Int
    ) throws(CheckpointError.TensorProblem) -> Entry {
        guard let object = member.value.object else {
            throw .invalidEntry("its entry is \(member.value.kind), not an object")
        }
        guard let typeName = object["dtype"]?.string else {
            throw .invalidEntry("dtype is missing or not a string")
        }
        let types: [ElementType] = [.float32, .float16, .bfloat16]
        guard let elementType = types.first(where: { $0.rawValue == typeName }) else {
            throw .unsupportedType(typeName)
        }
        let extents = try integers(object["shape"], "shape", countMax: extentCountMax)
        let offsets = try integers(object["data_offsets"], "data_offsets", countMax: 2)
        guard let shape = Shape(checking: extents),
            let byteCount = elementType.byteCount(of: shape)
        else { throw .invalidShape(extents.map { UInt64(max($0, 0)) }) }
        guard offsets.count == 2, offsets[0] <= offsets[1] else {
            throw .invalidEntry("data_offsets is not a start and an end")
        }
        guard offsets[1] <= dataByteCount else {
            throw .outOfRange(
                offset: UInt64(offsets[0]),
                byteCount: UInt64(offsets[1] - offsets[0]),
                dataByteCount: dataByteCount
            )
        }
        guard offsets[1] - offsets[0] == byteCount else {
            throw .lengthMismatch(
                actual: UInt64(offsets[1] - offsets[0]),
                expected: UInt64(byteCount)
            )
        }
        return Entry(
            description: TensorDescription(
                name: member.key,
                shape: shape,
                elementType: elementType,
                byteCount: byteCount
            ),
            range: (dataOffset + offsets[0])..<(dataOffset + offsets[1])
        )
    }

    private static func integers(
        _ value: JSONValue?,
        _ key: String,
        countMax: Int
    ) throws(CheckpointError.TensorProblem) -> [Int] {
        guard let array = value?.array, array.count <= countMax else {
            throw .invalidEntry("\(key) is no array of at most \(countMax) integers")
        }
        var integers: [Int] = []
        for element in array {
            guard let integer = element.integer, integer >= 0 else {
                throw .invalidEntry("\(key) holds something else than integers from 0")
            }
            integers.append(integer)
        }
        return integers
    }

    private static func checkCoverage(
        _ entries: [Entry],
        dataOffset: Int,
        file: MappedFile
    ) throws(CheckpointError) {
        var end = dataOffset
        var previous = ""
        // A tensor of no elements may start where another one does, and comes first then.
        let ordered = entries.sorted {
            ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
        }
        for entry in ordered {
            let name = entry.description.name
            guard entry.range.lowerBound >= end else {
                throw .invalidTensor(
                    path: file.path,
                    tensor: name,
                    problem: .overlapping(other: previous)
                )
            }
            guard entry.range.lowerBound == end else {
                throw .invalidTensor(
                    path: file.path,
                    tensor: name,
                    problem: .hole(byteCount: entry.range.lowerBound - end)
                )
            }
            end = entry.range.upperBound
            previous = name
        }
        guard end == file.byteCount else {
            throw .unsupportedFormat(
                path: file.path,
                item: "the length of the data",
                found: "\(file.byteCount - dataOffset) bytes",
                supported: "the \(end - dataOffset) bytes that the tensors take"
            )
        }
    }
}
