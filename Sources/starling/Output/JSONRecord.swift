internal import JSONDocuments

/// A JSON object that is put together field by field and keeps their order.
struct JSONRecord {
    private(set) var members: [JSONObject.Member] = []

    var value: JSONValue { .object(JSONObject(members)) }

    /// One line without its end.
    var line: String { String(decoding: value.encoded(), as: UTF8.self) }

    mutating func add(_ key: String, _ value: JSONValue) {
        members.append(JSONObject.Member(key: key, value: value))
    }

    mutating func add(_ key: String, _ value: Int) {
        add(key, .integer(value))
    }

    mutating func add(_ key: String, _ value: String) {
        add(key, .string(value))
    }

    /// A number; what is not finite has no JSON and becomes null.
    mutating func add(_ key: String, _ value: Double) {
        add(key, value.isFinite ? .number(value) : .null)
    }

    mutating func add(_ key: String, _ values: [Int]) {
        add(key, .array(values.map(JSONValue.integer)))
    }
}
