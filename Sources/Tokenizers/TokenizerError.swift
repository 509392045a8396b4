public import JSONDocuments

/// Why a vocabulary or a chat template can't be used.
public enum TokenizerError: Error, Hashable, Sendable {
    /// `tokenizer.json` or `tokenizer_config.json` is malformed JSON.
    case invalidJSON(file: String, JSONError)
    /// A part of the tokenizer is of a kind that is not computed here.
    case unsupported(item: String, value: String, supported: String)
    /// A part is missing or has another type.
    case invalidField(item: String, expected: String)
    /// A count is beyond its limit.
    case limitExceeded(item: String, actual: Int, limit: Int)
    /// Two tokens have one text, or two texts have one ID.
    case duplicateToken(String)
    /// An ID that no token has.
    case unknownID(item: String, id: Int, tokenCount: Int)
    /// A merge that is not two tokens whose join is a token.
    case invalidMerge(index: Int, merge: String)
    /// The tokenizer has no chat template.
    case missingChatTemplate
    /// A chat template that is not known; the text's beginning.
    case unknownChatTemplate(excerpt: String)
}

extension TokenizerError: CustomStringConvertible {
    /// What is wrong and how to mend it.
    public var description: String {
        switch self {
        case .invalidJSON(let file, let error):
            "\(file) is no valid JSON: \(error); get the file again"
        case .unsupported(let item, let value, let supported):
            "\(item) is \(value), but only \(supported) is supported; choose another model"
        case .invalidField(let item, let expected):
            "\(item) is missing or is not \(expected); get the file again"
        case .limitExceeded(let item, let actual, let limit):
            "\(item) is \(actual), more than the limit of \(limit); the file is damaged"
        case .duplicateToken(let token):
            "the token \"\(token)\" or its ID occurs twice; get the file again"
        case .unknownID(let item, let id, let tokenCount):
            "\(item) is \(id), but there are \(tokenCount) tokens; get the file again"
        case .invalidMerge(let index, let merge):
            "merge \(index), \"\(merge)\", is not two tokens that make a token; get the file again"
        case .missingChatTemplate:
            "the tokenizer has no chat template; use a model that is tuned for chat"
        case .unknownChatTemplate(let excerpt):
            "the chat template is none of ChatML, Llama 2, Llama 3 and Mistral, it begins "
                + "\"\(excerpt)\"; use a model with one of these or plain text"
        }
    }
}
