internal import JSONDocuments

/// A JSON file of settings with typed access to its keys.
///
/// An explicit `null` counts as an absent key, as it does where such files are written.
struct SettingsFile {
    let path: String
    let object: JSONObject
    /// What comes before a key in errors: the keys that lead to a nested object.
    let prefix: String

    init(path: String, bytes: [UInt8]) throws(CheckpointError) {
        let value: JSONValue
        do {
            value = try JSONValue(
                parsing: bytes,
                limits: JSONLimits(byteCountMax: Self.byteCountMax, valueCountMax: 1 << 18)
            )
        } catch {
            throw .invalidJSON(path: path, error)
        }
        guard let object = value.object else {
            throw .invalidKey(
                path: path,
                key: "the file",
                problem: .wrongType(expected: "an object", actual: value.kind)
            )
        }
        self.path = path
        self.object = object
        prefix = ""
    }

    init(path: String, object: JSONObject, prefix: String = "") {
        self.path = path
        self.object = object
        self.prefix = prefix
    }

    /// Settings take kilobytes; an index of a large model takes a few hundred.
    static let byteCountMax = 16 << 20

    subscript(key: String) -> JSONValue? {
        guard let value = object[key], !value.isNull else { return nil }
        return value
    }

    /// Whether the key is there with `null`, which is not always what an absent key stands for.
    func holdsNull(_ key: String) -> Bool {
        object[key]?.isNull ?? false
    }

    func integer(_ key: String) throws(CheckpointError) -> Int? {
        guard let value = self[key] else { return nil }
        guard let integer = value.integer else { throw wrongType(key, "an integer", value) }
        return integer
    }

    func number(_ key: String) throws(CheckpointError) -> Double? {
        guard let value = self[key] else { return nil }
        guard let number = value.number else { throw wrongType(key, "a number", value) }
        return number
    }

    func bool(_ key: String) throws(CheckpointError) -> Bool? {
        guard let value = self[key] else { return nil }
        guard let bool = value.bool else { throw wrongType(key, "a Boolean", value) }
        return bool
    }

    func string(_ key: String) throws(CheckpointError) -> String? {
        guard let value = self[key] else { return nil }
        guard let string = value.string else { throw wrongType(key, "a string", value) }
        return string
    }

    func required<Value>(_ key: String, _ value: Value?) throws(CheckpointError) -> Value {
        guard let value else {
            throw .invalidKey(path: path, key: prefix + key, problem: .missing)
        }
        return value
    }

    /// Fails if a key is there with another value than the one that is supported.
    func require(_ key: String, is supported: JSONValue) throws(CheckpointError) {
        guard let value = self[key], value != supported else { return }
        // 1 and 1.0 are one number.
        if let number = value.number, number == supported.number { return }
        throw unsupported(key, value, Self.text(supported))
    }

    /// Fails if a key holds anything but `null`, an empty list or an empty object.
    func requireAbsent(_ key: String) throws(CheckpointError) {
        guard let value = self[key], value != .array([]), value != .object(JSONObject()) else {
            return
        }
        throw unsupported(key, value, "null")
    }

    func unsupported(
        _ key: String,
        _ value: JSONValue,
        _ supported: String
    ) -> CheckpointError {
        .unsupportedSetting(
            path: path,
            key: prefix + key,
            value: Self.text(value),
            supported: supported
        )
    }

    func wrongType(_ key: String, _ expected: String, _ actual: JSONValue) -> CheckpointError {
        .invalidKey(
            path: path,
            key: prefix + key,
            problem: .wrongType(expected: expected, actual: actual.kind)
        )
    }

    func outOfRange(_ key: String, _ value: String, _ expected: String) -> CheckpointError {
        .invalidKey(
            path: path,
            key: prefix + key,
            problem: .outOfRange(value: value, expected: expected)
        )
    }

    /// A value as text, cut where it gets long.
    private static func text(_ value: JSONValue) -> String {
        let text = String(decoding: value.encoded(), as: UTF8.self)
        return text.count <= 80 ? text : text.prefix(79) + "…"
    }
}
