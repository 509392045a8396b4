internal import Tensors

/// The tensors of a GGUF file under the file's own names, each checked to lie in the data, aligned
/// and apart from the others.
struct GGUFLayout {
    struct Tensor {
        let name: String
        let shape: Shape
        let elementType: ElementType
        /// From the start of the file.
        let range: Range<Int>
    }

    /// In the order of the data.
    let tensors: [Tensor]
    private let path: String

    init(
        _ header: GGUFHeader,
        path: String,
        fileByteCount: Int
    ) throws(CheckpointError) {
        self.path = path
        guard header.dataOffset <= fileByteCount else {
            throw .truncated(
                path: path,
                item: "the padding before the data",
                offset: fileByteCount,
                neededByteCount: UInt64(header.dataOffset - fileByteCount)
            )
        }
        var names: Set<String> = []
        var tensors: [Tensor] = []
        for entry in header.entries {
            guard names.insert(entry.name).inserted else {
                throw .invalidTensor(path: path, tensor: entry.name, problem: .duplicate)
            }
            do {
                tensors.append(
                    try Self.locate(
                        entry,
                        header: header,
                        dataByteCount: fileByteCount - header.dataOffset
                    )
                )
            } catch {
                throw .invalidTensor(path: path, tensor: entry.name, problem: error)
            }
        }
        tensors.sort { $0.range.lowerBound < $1.range.lowerBound }
        for (left, right) in zip(tensors, tensors.dropFirst())
        where right.range.lowerBound < left.range.upperBound {
            throw .invalidTensor(
                path: path,
                tensor: right.name,
                problem: .overlapping(other: left.name)
            )
        }
        self.tensors = tensors
    }

    func tensor(_ name: String) -> Tensor? {
        tensors.first { $0.name == name }
    }

    func requiredTensor(_ name: String) throws(CheckpointError) -> Tensor {
        guard let tensor = tensor(name) else {
            throw .invalidTensor(path: path, tensor: name, problem: .missing)
        }
        return tensor
    }

    private static func locate(
        _ entry: GGUFHeader.Entry,
        header: GGUFHeader,
        dataByteCount: Int
    ) throws(CheckpointError.TensorProblem) -> Tensor {
        guard let elementType = GGUFElementTypes.elementType(of: entry.typeCode) else {
            throw .unsupportedType(GGUFElementTypes.name(of: entry.typeCode))
        }
        let extents = entry.extents.compactMap { Int(exactly: $0) }
        guard extents.count == entry.extents.count, !extents.isEmpty, !extents.contains(0),
            let shape = Shape(checking: extents.reversed()),
            let byteCount = elementType.byteCount(of: shape)
        else { throw .invalidShape(entry.extents) }
        guard entry.offset % UInt64(header.alignment) == 0 else {
            throw .misaligned(offset: entry.offset, alignment: header.alignment)
        }
        guard let offset = Int(exactly: entry.offset), offset <= dataByteCount,
            byteCount <= dataByteCount - offset
        else {
            throw .outOfRange(
                offset: entry.offset,
                byteCount: UInt64(byteCount),
                dataByteCount: dataByteCount
            )
        }
        let start = header.dataOffset + offset
        return Tensor(
            name: entry.name,
            shape: shape,
            elementType: elementType,
            range: start..<(start + byteCount)
        )
    }
}
