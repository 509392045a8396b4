/// Opens models whatever form their files have.
public enum ModelFiles {
    /// Opens a GGUF file or a Hugging Face folder.
    ///
    /// - Throws: why the files are not a model that can be used.
    public static func open(path: String) throws(CheckpointError) -> any ModelCheckpoint {
        throw .notACheckpoint(path: path)
    }
}
