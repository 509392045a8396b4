public import JSONDocuments

/// Why a checkpoint can't be read or written.
///
/// Every case names the file it is about.
public enum CheckpointError: Error, Hashable, Sendable {
    /// A system call failed with this `errno`.
    case system(path: String, call: String, code: Int32)
    /// The path is a device, a pipe or a folder where a plain file is needed.
    case notAPlainFile(path: String)
    /// The path is neither a GGUF file nor a Hugging Face folder.
    case notACheckpoint(path: String)
    /// A folder lacks a file that every such folder has.
    case missingFile(path: String, file: String)
    /// The weights are a Python pickle, which runs code when it is read.
    case pickleRefused(path: String)
    /// The file ends, or its length says that it ends, inside of what is being read.
    case truncated(path: String, item: String, offset: Int, neededByteCount: UInt64)
    /// The file became shorter than it was when it was opened.
    case fileChanged(path: String)
    /// A count or length is beyond what is ever read.
    case limitExceeded(path: String, item: String, actual: UInt64, limit: UInt64)
    /// The file's format or version is one that is not read.
    case unsupportedFormat(path: String, item: String, found: String, supported: String)
    /// A metadata key or a setting is missing or holds what it can't hold.
    case invalidKey(path: String, key: String, problem: KeyProblem)
    /// A setting asks for something that this program doesn't compute.
    case unsupportedSetting(path: String, key: String, value: String, supported: String)
    /// A tensor can't be read as the file describes it.
    case invalidTensor(path: String, tensor: String, problem: TensorProblem)
    /// A JSON text is malformed.
    case invalidJSON(path: String, JSONError)
    /// A folder holds something else and is not overwritten.
    case notReplaceable(path: String, entry: String)
    /// The name of an extra file is empty, has a path in it or is taken.
    case invalidFileName(path: String, file: String)

    /// What is wrong with a metadata key or a setting.
    public enum KeyProblem: Hashable, Sendable {
        /// The key is needed and absent.
        case missing
        /// The file names the key twice.
        case duplicate
        /// The value has another type.
        case wrongType(expected: String, actual: String)
        /// The value lies outside of what makes sense.
        case outOfRange(value: String, expected: String)
        /// Text that is not UTF-8.
        case notUTF8
    }

    /// What is wrong with a tensor.
    public enum TensorProblem: Error, Hashable, Sendable {
        /// No tensor has this name.
        case unknownName
        /// The name is needed and absent.
        case missing
        /// Two tensors have this name, in the file or after renaming.
        case duplicate
        /// A name that the architecture doesn't have.
        case unexpectedName
        /// An element type that is not read.
        case unsupportedType(String)
        /// Extents that are zero, too many, too large, or no whole number of blocks.
        case invalidShape([UInt64])
        /// Extents other than what the rest of the file asks for.
        case shapeMismatch(actual: [Int], expected: String)
        /// An offset that is no multiple of the alignment.
        case misaligned(offset: UInt64, alignment: Int)
        /// Bytes beyond the end of the file's data.
        case outOfRange(offset: UInt64, byteCount: UInt64, dataByteCount: Int)
        /// An offset pair whose length is not that of the shape and type.
        case lengthMismatch(actual: UInt64, expected: UInt64)
        /// Bytes that another tensor has too.
        case overlapping(other: String)
        /// Bytes before it that belong to no tensor.
        case hole(byteCount: Int)
        /// A value that is infinite or not a number.
        case notFinite(index: Int)
        /// A malformed entry of the header.
        case invalidEntry(String)
    }
}
