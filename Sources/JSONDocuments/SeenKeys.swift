/// The keys that an object has named so far, told apart by their bytes.
///
/// `String` calls canonically equivalent keys equal; a vocabulary may hold both forms.
struct SeenKeys {
    private struct Key: Hashable {
        let text: String

        static func == (left: Key, right: Key) -> Bool {
            left.text.utf8.elementsEqual(right.text.utf8)
        }

        func hash(into hasher: inout Hasher) {
            for byte in text.utf8 { hasher.combine(byte) }
            hasher.combine(UInt8(0xFF))
        }
    }

    private var keys: Set<Key> = []

    /// Small objects are compared one by one, which is faster than hashing.
    private static let linearCountMax = 8

    /// Whether the key is new; `members` are those before it.
    mutating func insert(_ key: String, members: [JSONObject.Member]) -> Bool {
        let key = Key(text: key)
        if members.count < Self.linearCountMax {
            return !members.contains { Key(text: $0.key) == key }
        }
        if keys.isEmpty {
            for member in members { keys.insert(Key(text: member.key)) }
        }
        return keys.insert(key).inserted
    }
}
