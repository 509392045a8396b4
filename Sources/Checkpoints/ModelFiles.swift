/// Opens models whatever form their files have.
public enum ModelFiles {
    /// Opens a GGUF file or a Hugging Face folder.
    ///
    /// Nothing is copied but settings and vocabulary; weights stay in a memory map.
    ///
    /// - Throws: why the files are not a model that can be used.
    public static func open(path: String) throws(CheckpointError) -> any ModelCheckpoint {
        switch try FileSystem.kind(of: path) {
        case .folder:
            guard try FileSystem.isPlainFile(FileSystem.join(path, "config.json")) else {
                throw .notACheckpoint(path: path)
            }
            return try SafetensorsFolder(path: path)
        case .plainFile, .absent:
            for suffix in [".bin", ".pt", ".pth", ".ckpt", ".pkl"] where path.hasSuffix(suffix) {
                throw .pickleRefused(path: path)
            }
            if path.hasSuffix(".safetensors") { throw .notACheckpoint(path: path) }
            return try GGUFFile(path: path)
        case .other:
            throw .notAPlainFile(path: path)
        }
    }
}
