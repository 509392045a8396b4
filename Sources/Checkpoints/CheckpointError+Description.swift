extension CheckpointError: CustomStringConvertible {
    /// The file, what is wrong with it, and how to mend it.
    public var description: String {
        switch self {
        case .system(let path, let call, let code):
            "\(path): \(call) failed with error \(code); check that the path exists, that it may be "
                + "accessed and that the disk has room"
        case .notAPlainFile(let path):
            "\(path): is not a plain file; give the path of the file itself"
        case .notACheckpoint(let path):
            "\(path): is neither a GGUF file nor a folder with config.json; give a .gguf file or a "
                + "Hugging Face folder"
        case .missingFile(let path, let file):
            "\(path): lacks \(file); download the whole folder again"
        case .pickleRefused(let path):
            "\(path): is a Python pickle, which can run code when read; convert it to safetensors"
        case .truncated(let path, let item, let offset, let needed):
            "\(path): ends within \(item), which needs \(needed) bytes at byte \(offset); download "
                + "the file again"
        case .fileChanged(let path):
            "\(path): became shorter while it was in use; open it again once it is complete"
        case .limitExceeded(let path, let item, let actual, let limit):
            "\(path): \(item) is \(actual), more than the limit of \(limit); the file is damaged or "
                + "hostile, get it from its source again"
        case .unsupportedFormat(let path, let item, let found, let supported):
            "\(path): \(item) is \(found), but only \(supported) is read; convert the file"
        case .invalidKey(let path, let key, let problem):
            "\(path): \(key) \(problem.description); get or convert the file again"
        case .unsupportedSetting(let path, let key, let value, let supported):
            "\(path): \(key) is \(value), but only \(supported) is supported; choose another model "
                + "or adapter"
        case .invalidTensor(let path, let tensor, let problem):
            "\(path): tensor \(tensor) \(problem.description)"
        case .invalidJSON(let path, let error):
            "\(path): is no valid JSON: \(error); get the file again"
        case .notReplaceable(let path, let entry):
            "\(path): holds \(entry) and is not overwritten; choose another path or move it away"
        case .invalidFileName(let path, let file):
            "\(path): no extra file may be named \"\(file)\"; use a plain name that is not taken"
        }
    }
}

extension CheckpointError.KeyProblem: CustomStringConvertible {
    /// What is wrong, as the end of a sentence.
    public var description: String {
        switch self {
        case .missing: "is missing"
        case .duplicate: "occurs twice"
        case .wrongType(let expected, let actual): "is \(actual), not \(expected)"
        case .outOfRange(let value, let expected): "is \(value), not \(expected)"
        case .notUTF8: "is not UTF-8 text"
        }
    }
}

extension CheckpointError.TensorProblem: CustomStringConvertible {
    private static let download = "; download or convert the file again"

    /// What is wrong and how to mend it, as the end of a sentence.
    public var description: String {
        switch self {
        case .unknownName: "does not exist; check that the model is the one meant"
        case .missing: "is missing" + Self.download
        case .duplicate: "occurs twice" + Self.download
        case .unexpectedName: "is none of this architecture; choose a model without it"
        case .unsupportedType(let type):
            "has the element type \(type); convert it to F32, F16, BF16 or, in a GGUF file, "
                + "Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K or Q6_K"
        case .invalidShape(let extents): "has the impossible extents \(extents)" + Self.download
        case .shapeMismatch(let actual, let expected):
            "has the shape \(actual), not \(expected)" + Self.download
        case .misaligned(let offset, let alignment):
            "starts at \(offset), no multiple of \(alignment)" + Self.download
        case .outOfRange(let offset, let byteCount, let dataByteCount):
            "takes \(byteCount) bytes at \(offset) of only \(dataByteCount)" + Self.download
        case .lengthMismatch(let actual, let expected):
            "takes \(actual) bytes where its shape needs \(expected)" + Self.download
        case .overlapping(let other): "shares bytes with \(other)" + Self.download
        case .hole(let byteCount):
            "comes after \(byteCount) bytes of no tensor" + Self.download
        case .notFinite(let index):
            "is infinite or no number at element \(index); train or fetch it again"
        case .invalidEntry(let reason): "is badly described: \(reason)" + Self.download
        }
    }
}
