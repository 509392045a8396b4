internal import JSONDocuments
internal import Tensors

extension SafetensorsFolder {
    /// The size that a file of weights stays below if it has more than one tensor: what common
    /// file systems and download servers take well.
    public static let shardByteCountMax = 4_000_000_000

    /// Writes a model folder that `transformers` loads; nothing may be at the path.
    ///
    /// The weights are in one file, or in several with an index where they take more than a shard.
    /// The folder appears complete and on disk, or not at all.
    ///
    /// - Parameters:
    ///   - source: tensors of unquantised types.
    ///   - files: all else.
    /// - Throws: `invalidTensor` for a quantised tensor; `notReplaceable`; `system`; what the
    ///   source throws.
    public static func write(
        _ source: any TensorSource,
        files: ModelFolderFiles,
        to path: String,
        shardByteCountMax: Int = shardByteCountMax
    ) throws {
        for tensor in source.tensors where tensor.elementType.blockElementCount != 1 {
            throw CheckpointError.invalidTensor(
                path: path,
                tensor: tensor.name,
                problem: .unsupportedType(tensor.elementType.rawValue)
            )
        }
        try AtomicFolder.make(at: path) { temporary in
            try AtomicFile.store(
                files.configJSON,
                at: FileSystem.join(temporary, ModelFolderFiles.configName)
            )
            for (name, bytes) in files.others {
                try AtomicFile.store(bytes, at: FileSystem.join(temporary, name))
            }
            let shards = shards(source.tensors, byteCountMax: shardByteCountMax)
            guard shards.count > 1 else {
                let target = FileSystem.join(temporary, singleName)
                return try write(source.tensors, of: source, to: target)
            }
            var owners: [JSONObject.Member] = []
            for (index, tensors) in shards.enumerated() {
                let name = shardName(index, of: shards.count)
                try write(tensors, of: source, to: FileSystem.join(temporary, name))
                owners += tensors.map { .init(key: $0.name, value: .string(name)) }
            }
            let byteCount = source.tensors.reduce(0) { $0 + $1.byteCount }
            let metadata = JSONObject([.init(key: "total_size", value: .integer(byteCount))])
            let index = JSONValue.object(
                JSONObject([
                    .init(key: "metadata", value: .object(metadata)),
                    .init(key: "weight_map", value: .object(JSONObject(owners))),
                ])
            )
            try AtomicFile.store(
                index.encoded(isIndented: true),
                at: FileSystem.join(temporary, indexName)
            )
        }
    }

    /// The tensors in their order, cut where a file would become too large.
    private static func shards(
        _ tensors: [TensorDescription],
        byteCountMax: Int
    ) -> [[TensorDescription]] {
        var shards: [[TensorDescription]] = [[]]
        var byteCount = 0
        for tensor in tensors {
            if byteCount + tensor.byteCount > byteCountMax, byteCount > 0 {
                shards.append([])
                byteCount = 0
            }
            shards[shards.count - 1].append(tensor)
            byteCount += tensor.byteCount
        }
        return shards
    }

    private static func write(
        _ tensors: [TensorDescription],
        of source: any TensorSource,
        to path: String
    ) throws {
        var writer = try SafetensorsWriter(path: path, tensors: tensors)
        for tensor in writer.tensors {
            try unsafe source.withBytes(of: tensor.name) { bytes in
                guard bytes.count == tensor.byteCount else {
                    throw CheckpointError.invalidTensor(
                        path: path,
                        tensor: tensor.name,
                        problem: .lengthMismatch(
                            actual: UInt64(bytes.count), expected: UInt64(tensor.byteCount))
                    )
                }
                try unsafe writer.append(bytes)
            }
        }
        try writer.commit()
    }

    private static func shardName(_ index: Int, of count: Int) -> String {
        func digits(_ number: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, 5 - text.count)) + text
        }
        return "model-\(digits(index + 1))-of-\(digits(count)).safetensors"
    }
}
