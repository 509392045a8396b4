internal import JSONDocuments

/// An object of a tokenizer's files and where it is found.
struct JSONPart {
    let place: String
    let object: JSONObject

    init(file: String, bytes: [UInt8]) throws(TokenizerError) {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: bytes)
        } catch {
            throw .invalidJSON(file: file, error)
        }
        guard let object = value.object else {
            throw .invalidField(item: file, expected: "an object")
        }
        place = ""
        self.object = object
    }

    private init(place: String, object: JSONObject) {
        self.place = place
        self.object = object
    }

    /// The value under a key; an explicit `null` counts as absent.
    subscript(key: String) -> JSONValue? {
        guard let value = object[key], !value.isNull else { return nil }
        return value
    }

    /// The object under a key.
    func part(_ key: String) throws(TokenizerError) -> JSONPart {
        guard let object = self[key]?.object else {
            throw .invalidField(item: place + key, expected: "an object")
        }
        return JSONPart(place: place + key + ".", object: object)
    }

    func requireAbsent(_ key: String) throws(TokenizerError) {
        if let value = self[key] { throw unsupported(key, value, "null") }
    }

    /// The error for a value that is not computed here, cut where it gets long.
    func unsupported(_ key: String, _ value: JSONValue, _ supported: String) -> TokenizerError {
        let text = String(decoding: value.encoded(), as: UTF8.self)
        return .unsupported(
            item: place + key,
            value: text.count <= 120 ? text : text.prefix(119) + "…",
            supported: supported
        )
    }
}
