internal import Tensors

/// Writes LoRA adapters as GGUF files, which llama.cpp adds to a base model at run time.
///
/// Each pair becomes `<name>.lora_a` [rank, input] and `<name>.lora_b` [output, rank] in Float32,
/// under the name of the weight that it changes. Where the base interleaves the rows of queries and
/// keys, the rows of their B are put in the same order, which reorders the rows of B A.
///
/// Source: the adapter metadata of the GGUF specification and the loader in llama.cpp, which
/// computes W + (alpha / rank) B A with `adapter.lora.alpha`, and the rank from B.
///
/// ### Deviations
/// The scale is folded into alpha: it becomes scale × rank, so that alpha / rank is the adapter's
/// own scale, root-scaled ones included. As an alpha of 0 counts as none there, an adapter of scale
/// 0 gets a B of zeros instead.
public enum GGUFAdapter {
    /// Writes an adapter's file, which must not be there yet.
    ///
    /// - Parameters:
    ///   - adapter: fits the model.
    ///   - name: `general.name`.
    /// - Throws: `invalidTensor` for a pair that changes no projection of the model or has another
    ///   shape; `unsupportedSetting` for a model that has no architecture in GGUF; `notReplaceable`;
    ///   `system`.
    public static func write(
        _ adapter: PEFTAdapter,
        model: ModelConfiguration,
        name: String?,
        to path: String
    ) throws(CheckpointError) {
        let names = try GGUFExportNames(model, path: path)
        let halves = try halves(of: adapter, names: names, path: path)
        let rank = Double(adapter.rank)
        let scale = adapter.alpha / (adapter.usesRSLoRA ? rank.squareRoot() : rank)
        var fields = [
            GGUFField("general.architecture", .string(names.architecture)),
            GGUFField("general.type", .string("adapter")),
        ]
        if let name { fields.append(GGUFField("general.name", .string(name))) }
        fields += [
            GGUFField("adapter.type", .string("lora")),
            GGUFField("adapter.lora.alpha", .float32(Float(scale == 0 ? 1 : scale * rank))),
        ]
        var writer = try GGUFWriter(path: path, fields: fields, tensors: halves.map(\.description))
        for half in halves {
            let isErased = scale == 0 && half.isUp
            try append(bytes(of: half, isErased: isErased), to: &writer)
        }
        try writer.commit(replaces: false)
    }

    /// One of the two tensors of a pair.
    private struct Half {
        let description: TensorDescription
        let tensor: FloatTensor
        let isUp: Bool
        let headRowCount: Int?
    }

    /// All tensors in the order of the file: by the name in GGUF, A before B.
    private static func halves(
        of adapter: PEFTAdapter,
        names: GGUFExportNames,
        path: String
    ) throws(CheckpointError) -> [Half] {
        let projections = names.projections
        let (down, up) = (".lora_A.weight", ".lora_B.weight")
        var halves: [Half] = []
        for element in adapter.tensors.elements {
            let isUp = element.name.hasSuffix(up)
            let module = element.name.dropFirst(PEFTFolder.prefix.count).dropLast(down.count)
            guard element.name.hasPrefix(PEFTFolder.prefix), isUp || element.name.hasSuffix(down),
                let projection = projections[String(module)]
            else {
                throw .invalidTensor(path: path, tensor: element.name, problem: .unexpectedName)
            }
            let shape = element.tensor.shape
            let headRowCount = isUp ? projection.headRowCount : nil
            guard shape.extents.count == 2, shape.extents[isUp ? 1 : 0] == adapter.rank,
                shape.extents[0] % (headRowCount ?? 1) == 0
            else {
                throw .invalidTensor(
                    path: path,
                    tensor: element.name,
                    problem: .shapeMismatch(
                        actual: shape.extents,
                        expected: "two extents, one of them the rank \(adapter.rank)"
                    )
                )
            }
            halves.append(
                Half(
                    description: TensorDescription(
                        name: projection.name + (isUp ? ".weight.lora_b" : ".weight.lora_a"),
                        shape: shape,
                        elementType: .float32,
                        byteCount: 4 * shape.elementCount
                    ),
                    tensor: element.tensor,
                    isUp: isUp,
                    headRowCount: headRowCount
                )
            )
        }
        return halves.sorted { NamedTensors.precedes($0.description.name, $1.description.name) }
    }

    private static func bytes(of half: Half, isErased: Bool) -> [UInt8] {
        let values = half.tensor.values
        let bytes = values.flatMap { (isErased ? 0 : $0).bitPattern.littleEndianBytes }
        guard let headRowCount = half.headRowCount else { return bytes }
        return unsafe bytes.withUnsafeBytes {
            unsafe RotaryRows.interleavedOrder(
                $0,
                rowByteCount: 4 * half.tensor.shape.extents[1],
                headRowCount: headRowCount
            )
        }
    }

    private static func append(
        _ bytes: [UInt8],
        to writer: inout GGUFWriter
    ) throws(CheckpointError) {
        let failure: CheckpointError? = unsafe bytes.withUnsafeBytes { buffer in
            do throws(CheckpointError) {
                try unsafe writer.append(buffer)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }
}
