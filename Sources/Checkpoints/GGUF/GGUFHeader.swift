/// What a GGUF file says before its data: metadata and where the tensors lie.
///
/// Source: the GGUF specification, versions 2 and 3, which differ in nothing that is read here.
struct GGUFHeader {
    /// One entry of the tensor list, as the file has it.
    struct Entry {
        let name: String
        /// Innermost extent first.
        let extents: [UInt64]
        let typeCode: UInt32
        /// From the start of the data.
        let offset: UInt64
    }

    /// The file's bounds; real files stay far below each.
    enum Limits {
        static let keyCount = 1 << 16
        static let tensorCount = 1 << 16
        static let nameByteCount = 1 << 16
        /// The longest strings are chat templates of some tens of kilobytes.
        static let stringByteCount = 4 << 20
        static let extentCount = 4
        static let alignment: Int64 = 1 << 16
        /// Arrays of arrays are legal; deeper ones than this are hostile.
        static let arrayDepth = 4
    }

    /// A key and where its value lies, type code included.
    typealias FieldRange = (key: String, range: Range<Int>)

    let metadata: GGUFMetadata
    /// In the order of the file.
    let fieldRanges: [FieldRange]
    let entries: [Entry]
    let alignment: Int
    /// Where the data starts, from the start of the file.
    let dataOffset: Int

    init(_ file: MappedFile) throws(CheckpointError) {
        var cursor = GGUFCursor(file)
        try Self.checkMagicAndVersion(&cursor)
        let tensorCount = try cursor.count(limit: Limits.tensorCount, "the tensor count")
        let keyCount = try cursor.count(limit: Limits.keyCount, "the key count")
        let (values, fieldRanges) = try Self.readMetadata(&cursor, count: keyCount)
        metadata = GGUFMetadata(path: file.path, values: values)
        self.fieldRanges = fieldRanges
        alignment = try Self.alignment(metadata)
        entries = try Self.readEntries(&cursor, count: tensorCount)
        let rest = cursor.offset % alignment
        dataOffset = rest == 0 ? cursor.offset : cursor.offset + alignment - rest
    }

    private static func checkMagicAndVersion(
        _ cursor: inout GGUFCursor
    ) throws(CheckpointError) {
        let path = cursor.file.path
        let magic = try cursor.integer(UInt32.self, "the magic")
        guard magic == 0x4655_4747 else {
            throw .unsupportedFormat(
                path: path,
                item: "the magic",
                found: "0x" + String(magic, radix: 16),
                supported: "GGUF (0x46554747)"
            )
        }
        let version = try cursor.integer(UInt32.self, "the version")
        guard version == 2 || version == 3 else {
            let isSwapped = version.byteSwapped == 2 || version.byteSwapped == 3
            throw .unsupportedFormat(
                path: path,
                item: "the GGUF version",
                found: isSwapped ? "\(version.byteSwapped) in big-endian order" : "\(version)",
                supported: "little-endian 2 or 3"
            )
        }
    }

    private static func readMetadata(
        _ cursor: inout GGUFCursor,
        count: Int
    ) throws(CheckpointError) -> ([String: GGUFValue], [FieldRange]) {
        let path = cursor.file.path
        var values: [String: GGUFValue] = [:]
        var ranges: [FieldRange] = []
        for index in 0..<count {
            let item = "the name of key \(index)"
            guard let key = try cursor.string(limit: Limits.nameByteCount, item) else {
                throw .invalidKey(path: path, key: "key \(index)", problem: .notUTF8)
            }
            let start = cursor.offset
            let value = try readValue(&cursor, key: key)
            guard values.updateValue(value, forKey: key) == nil else {
                throw .invalidKey(path: path, key: key, problem: .duplicate)
            }
            ranges.append((key, start..<cursor.offset))
        }
        return (values, ranges)
    }

    private static func readEntries(
        _ cursor: inout GGUFCursor,
        count: Int
    ) throws(CheckpointError) -> [Entry] {
        let path = cursor.file.path
        var entries: [Entry] = []
        for index in 0..<count {
            let item = "the name of tensor \(index)"
            guard let name = try cursor.string(limit: Limits.nameByteCount, item) else {
                throw .invalidTensor(
                    path: path,
                    tensor: "number \(index)",
                    problem: .invalidEntry("its name is not UTF-8")
                )
            }
            let extentCount = try cursor.integer(UInt32.self, "the entry of tensor \(name)")
            guard extentCount <= Limits.extentCount else {
                throw .limitExceeded(
                    path: path,
                    item: "the extent count of tensor \(name)",
                    actual: UInt64(extentCount),
                    limit: UInt64(Limits.extentCount)
                )
            }
            var extents: [UInt64] = []
            for _ in 0..<extentCount {
                extents.append(try cursor.integer(UInt64.self, "the entry of tensor \(name)"))
            }
            entries.append(
                Entry(
                    name: name,
                    extents: extents,
                    typeCode: try cursor.integer(UInt32.self, "the entry of tensor \(name)"),
                    offset: try cursor.integer(UInt64.self, "the entry of tensor \(name)")
                )
            )
        }
        return entries
    }

    private static func alignment(_ metadata: GGUFMetadata) throws(CheckpointError) -> Int {
        let key = "general.alignment"
        guard let value = try metadata.integer(key) else { return 32 }
        guard value > 0, value <= Limits.alignment, value & (value - 1) == 0, value >= 8 else {
            throw .invalidKey(
                path: metadata.path,
                key: key,
                problem: .outOfRange(
                    value: "\(value)",
                    expected: "a power of two from 8 to \(Limits.alignment)"
                )
            )
        }
        return Int(value)
    }
}
