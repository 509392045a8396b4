/// A JSON value.
///
/// Objects keep the order of their members and never hold a key twice.
public enum JSONValue: Hashable, Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number without fraction and exponent that fits an `Int`.
    case integer(Int)
    /// Any other number; finite.
    case number(Double)
    /// A string.
    case string(String)
    /// An array.
    case array([JSONValue])
    /// An object.
    case object(JSONObject)

    /// The string, or `nil` if this is another kind of value.
    public var string: String? {
        guard case .string(let value) = self else { return nil }
        return value
    }

    /// The Boolean, or `nil` if this is another kind of value.
    public var bool: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    /// The integer, or `nil` if this is another kind of value; `1.0` is none.
    public var integer: Int? {
        guard case .integer(let value) = self else { return nil }
        return value
    }

    /// The number, whole or not, or `nil` if this is another kind of value.
    public var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    /// The elements, or `nil` if this is another kind of value.
    public var array: [JSONValue]? {
        guard case .array(let value) = self else { return nil }
        return value
    }

    /// The object, or `nil` if this is another kind of value.
    public var object: JSONObject? {
        guard case .object(let value) = self else { return nil }
        return value
    }

    /// Whether this is `null`.
    public var isNull: Bool { self == .null }

    /// The kind of value in one word, for messages.
    public var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a Boolean"
        case .integer: "an integer"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

/// The members of a JSON object in the order of the text.
public struct JSONObject: Hashable, Sendable {
    /// One key and its value.
    public struct Member: Hashable, Sendable {
        /// The key.
        public let key: String
        /// The value.
        public let value: JSONValue

        /// Pairs a key with a value.
        public init(key: String, value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    /// The members in order; no key twice.
    public let members: [Member]

    /// Makes an object from members whose keys are unique.
    public init(_ members: [Member] = []) {
        self.members = members
    }

    /// The value under a key, or `nil`.
    ///
    /// - Complexity: O(members); meant for objects with a handful of known keys.
    public subscript(key: String) -> JSONValue? {
        members.first { $0.key == key }?.value
    }
}

/// What a reader of JSON is willing to take in.
public struct JSONLimits: Hashable, Sendable {
    /// The greatest length of a document.
    public var byteCountMax: Int
    /// How many arrays and objects may lie in each other.
    ///
    /// No file format of this project nests
    /// more than 10 deep; the limit keeps a hostile text from using up the stack.
    public var depthMax: Int
    /// How many values a document may hold.
    ///
    /// A value takes up to 32 times the memory of its text,
    /// so the length alone is no bound worth having.
    public var valueCountMax: Int

    /// Makes limits; the defaults take a tokenizer of half a million entries.
    public init(
        byteCountMax: Int = 64 << 20,
        depthMax: Int = 64,
        valueCountMax: Int = 4 << 20
    ) {
        self.byteCountMax = byteCountMax
        self.depthMax = depthMax
        self.valueCountMax = valueCountMax
    }
}
