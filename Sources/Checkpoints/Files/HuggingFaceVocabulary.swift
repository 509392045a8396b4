internal import JSONDocuments

/// Collects the tokenizer's files of a Hugging Face folder.
enum HuggingFaceVocabulary {
    /// The largest vocabularies in use take some thirty megabytes.
    private static let tokenizerByteCountMax = 64 << 20

    static func read(folder: String) throws(CheckpointError) -> VocabularyFile {
        let tokenizerPath = FileSystem.join(folder, "tokenizer.json")
        guard try FileSystem.isPlainFile(tokenizerPath) else {
            throw .missingFile(path: folder, file: "tokenizer.json")
        }
        return .huggingFace(
            tokenizerJSON: try FileSystem.read(
                tokenizerPath,
                byteCountMax: tokenizerByteCountMax
            ),
            tokenizerConfigJSON: try tokenizerConfig(folder)
        )
    }

    /// `tokenizer_config.json` with the template of `chat_template.jinja`, which goes before its
    /// own, placed in it.
    private static func tokenizerConfig(_ folder: String) throws(CheckpointError) -> [UInt8]? {
        let configPath = FileSystem.join(folder, "tokenizer_config.json")
        let templatePath = FileSystem.join(folder, "chat_template.jinja")
        let byteCountMax = SettingsFile.byteCountMax
        let config =
            try FileSystem.isPlainFile(configPath)
            ? try FileSystem.read(configPath, byteCountMax: byteCountMax) : nil
        guard try FileSystem.isPlainFile(templatePath) else { return config }
        let bytes = try FileSystem.read(templatePath, byteCountMax: byteCountMax)
        guard let template = String(validating: bytes, as: UTF8.self) else {
            throw .invalidKey(path: templatePath, key: "the template", problem: .notUTF8)
        }
        let key = "chat_template"
        let others =
            try config.map { bytes throws(CheckpointError) in
                try SettingsFile(path: configPath, bytes: bytes).object.members
                    .filter { $0.key != key }
            } ?? []
        let members = others + [.init(key: key, value: .string(template))]
        return JSONValue.object(JSONObject(members)).encoded()
    }
}
