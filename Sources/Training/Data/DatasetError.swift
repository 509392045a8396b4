public import JSONDocuments

/// What is wrong with a data file, with the facts that a user needs to mend it.
public enum DatasetError: Error, Hashable, Sendable {
    /// Nothing is at this path.
    case fileMissing(path: String)
    /// The operating system refused to hand out the bytes; the code is `errno`, 0 when unknown.
    case fileUnreadable(path: String, code: Int32)
    /// The path leads to a pipe or a device, whose length nobody knows.
    case fileIrregular(path: String)
    /// The file is larger than `DatasetLimits.fileByteCountMax`.
    case fileTooLarge(path: String, byteCount: Int, limit: Int)
    /// The name ends neither in `.txt` nor in `.jsonl`.
    case unknownFileType(path: String, pathExtension: String)
    /// A folder holds no `.txt` and no `.jsonl` file.
    case folderWithoutData(path: String)
    /// The file holds nothing but blank space.
    case fileEmpty(path: String)
    /// A text file is not UTF-8; the offset is that of the first bad byte.
    case textNotUTF8(path: String, line: Int, byteOffset: Int)
    /// A line of a JSONL file is wrong; lines count from 1.
    case badLine(path: String, line: Int, fault: LineFault)
    /// The tokenizer gave an id that the model has no embedding for.
    case tokenOutsideVocabulary(path: String, line: Int?, token: Int, vocabularySize: Int)
    /// A `messages` example needs a chat template and the model has none that is known.
    case chatTemplateMissing(path: String, line: Int?)
    /// Everything was read, and not one token to predict is left.
    case nothingToLearn(exampleCount: Int, droppedCount: Int)

    /// What is wrong with one line of JSONL.
    public enum LineFault: Error, Hashable, Sendable {
        /// The line is longer than `DatasetLimits.lineByteCountMax`.
        case tooLong(byteCount: Int, limit: Int)
        /// A byte is not UTF-8; the offset counts from the start of the line.
        case notUTF8(byteOffset: Int)
        /// The line is not one JSON value.
        case notJSON(JSONError)
        /// The line is JSON, but not an object in braces.
        case notAnObject(kind: String)
        /// None of the four shapes has these keys.
        case unknownShape(keys: [String])
        /// The shape is known by one key, and this one is absent.
        case keyMissing(key: String, beside: String)
        /// The value of a key has another type.
        case wrongType(key: String, expected: String, actual: String)
        /// The value of a key is empty or blank.
        case emptyValue(key: String)
        /// A message has a role that is none of system, user, assistant.
        case unknownRole(role: String, message: Int)
        /// A conversation has no message of the assistant to learn from.
        case noAnswer
    }
}

/// Bounds of what is read as data, checked before anything is allocated.
public struct DatasetLimits: Hashable, Sendable {
    /// The longest line of JSONL: 16 MiB, far above any example that fits a context.
    public var lineByteCountMax: Int
    /// The largest file: 1 GiB, about 250 million tokens, months of training on a CPU.
    public var fileByteCountMax: Int

    /// Makes limits; the defaults say their reasons above.
    public init(lineByteCountMax: Int = 16 << 20, fileByteCountMax: Int = 1 << 30) {
        self.lineByteCountMax = lineByteCountMax
        self.fileByteCountMax = fileByteCountMax
    }
}
