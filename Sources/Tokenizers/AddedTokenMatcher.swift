/// Finds added tokens in text: at each place the longest one.
struct AddedTokenMatcher {
    /// A trie over bytes; the key of an edge is its node and byte, the value the next node.
    private var edges: [UInt64: Int32] = [:]
    /// The token that ends at a node, or -1.
    private var ids: [Int32] = [-1]
    private var firstBytes = [Bool](repeating: false, count: 256)

    init(_ tokens: [(content: [UInt8], id: Int)]) {
        for token in tokens where !token.content.isEmpty {
            firstBytes[Int(token.content[0])] = true
            var node: Int32 = 0
            for byte in token.content {
                let key = Self.key(node, byte)
                if let next = edges[key] {
                    node = next
                } else {
                    let next = Int32(ids.count)
                    ids.append(-1)
                    edges[key] = next
                    node = next
                }
            }
            ids[Int(node)] = Int32(token.id)
        }
    }

    var isEmpty: Bool { edges.isEmpty }

    /// Whether a token can begin with a byte.
    func canBegin(with byte: UInt8) -> Bool {
        firstBytes[Int(byte)]
    }

    /// The longest token that begins at an offset and ends within the limit.
    func match(_ bytes: [UInt8], at offset: Int, before limit: Int) -> (id: Int, end: Int)? {
        var node: Int32 = 0
        var best: (id: Int, end: Int)?
        var end = offset
        while end < limit, let next = edges[Self.key(node, bytes[end])] {
            node = next
            end += 1
            if ids[Int(node)] >= 0 { best = (Int(ids[Int(node)]), end) }
        }
        return best
    }

    private static func key(_ node: Int32, _ byte: UInt8) -> UInt64 {
        UInt64(node) << 8 | UInt64(byte)
    }
}
