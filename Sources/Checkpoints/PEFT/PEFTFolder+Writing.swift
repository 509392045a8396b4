internal import JSONDocuments

extension PEFTFolder {
    /// Writes an adapter that `peft` loads as it is.
    ///
    /// The folder appears complete and on disk, or not at all. A folder that is there already is
    /// replaced if it is empty or holds nothing but files that the new one holds too.
    ///
    /// - Parameter extraFiles: more files by name; `peft` passes over what it doesn't know.
    /// - Throws: `notReplaceable`, `invalidFileName`, `system`.
    public static func write(
        _ adapter: PEFTAdapter,
        to path: String,
        extraFiles: [String: [UInt8]] = [:]
    ) throws(CheckpointError) {
        precondition(adapter.alpha.isFinite, "alpha is \(adapter.alpha)")
        var files = [
            configName: config(adapter),
            weightsName: SafetensorsWriter.encode(adapter.tensors),
        ]
        for (name, bytes) in extraFiles {
            guard FileName.isPlain(name), files.updateValue(bytes, forKey: name) == nil else {
                throw .invalidFileName(path: path, file: name)
            }
        }
        try AtomicFolder.write(files, to: path)
    }

    private static func config(_ adapter: PEFTAdapter) -> [UInt8] {
        let alpha: JSONValue =
            Int(exactly: adapter.alpha).map { .integer($0) } ?? .number(adapter.alpha)
        return JSONValue.object(
            JSONObject([
                .init(
                    key: "base_model_name_or_path",
                    value: adapter.baseModelName.map { .string($0) } ?? .null
                ),
                .init(key: "bias", value: .string("none")),
                .init(key: "fan_in_fan_out", value: .bool(false)),
                .init(key: "inference_mode", value: .bool(true)),
                .init(
                    key: "layers_to_transform",
                    value: adapter.layers.map { .array($0.map { .integer($0) }) } ?? .null
                ),
                .init(key: "lora_alpha", value: alpha),
                .init(key: "lora_dropout", value: .number(0)),
                .init(key: "modules_to_save", value: .null),
                .init(key: "peft_type", value: .string("LORA")),
                .init(key: "r", value: .integer(adapter.rank)),
                .init(
                    key: "target_modules",
                    value: .array(adapter.targetModules.map { .string($0) })
                ),
                .init(key: "task_type", value: .string("CAUSAL_LM")),
                .init(key: "use_rslora", value: .bool(adapter.usesRSLoRA)),
            ])
        ).encoded(isIndented: true)
    }
}
