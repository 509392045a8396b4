internal import JSONDocuments

/// An object of a tokenizer's files and where it is found.
struct JSONPart {
    /// The keys that lead to the object, each with a point behind it.
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

    /// The objects of a list under a key.
    func parts(_ key: String) throws(TokenizerError) -> [JSONPart] {
        guard let values = self[key]?.array else {
            throw .invalidField(item: place + key, expected: "a list of objects")
        }
        var parts: [JSONPart] = []
        for value in values {
            guard let object = value.object else {
                throw .invalidField(item: place + key, expected: "a list of objects")
            }
            parts.append(JSONPart(place: place + key + ".", object: object))
        }
        return parts
    }

    /// The text under a key.
    func text(_ key: String) throws(TokenizerError) -> String {
        guard let text = self[key]?.string else {
            throw .invalidField(item: place + key, expected: "a text")
        }
        return text
    }

    /// The Boolean under a key, false if it is absent.
    func flag(_ key: String) throws(TokenizerError) -> Bool {
        guard let value = self[key] else { return false }
        guard let flag = value.bool else {
            throw .invalidField(item: place + key, expected: "true or false")
        }
        return flag
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

    /// The error for a step that is not computed here.
    func unsupported(_ supported: String) -> TokenizerError {
        unsupported("type", self["type"] ?? .null, supported)
    }
}
