/// The texts of tokens, one behind the other in one buffer.
///
/// A list of arrays costs some 50 bytes more for each token, most of which have less than 8.
struct TokenTexts {
    private(set) var bytes: [UInt8] = []
    /// Where each text ends.
    private var ends: [UInt32] = []

    init(reservingCount count: Int) {
        ends.reserveCapacity(count)
    }

    var count: Int { ends.count }

    /// Where a text lies in `bytes`.
    subscript(id: Int) -> Range<Int> {
        (id == 0 ? 0 : Int(ends[id - 1]))..<Int(ends[id])
    }

    /// - Precondition: there are less than 2³² bytes in all.
    mutating func append(_ text: some Sequence<UInt8>) {
        bytes.append(contentsOf: text)
        ends.append(UInt32(bytes.count))
    }

    func equals(_ id: Int, _ other: ArraySlice<UInt8>) -> Bool {
        bytes[self[id]] == other
    }
}

/// Finds a token's ID by its text: a hash table of IDs with open addresses.
struct TokenIndex {
    /// IDs, or -1; their number is a power of two.
    private var slots: [Int32]
    private let texts: TokenTexts

    /// Indexes the texts of those IDs for which `includes` says so; empty texts are never found.
    ///
    /// Of equal texts the first counts; `duplicate` is the second.
    init(
        _ texts: TokenTexts,
        duplicate: inout Int?,
        where includes: (Int) -> Bool = { _ in true }
    ) {
        self.texts = texts
        slots = [Int32](repeating: -1, count: HashSeed.slotCount(texts.count))
        for id in 0..<texts.count where !texts[id].isEmpty && includes(id) {
            let (slot, known) = find(texts.bytes[texts[id]])
            if known >= 0 {
                duplicate = id
            } else {
                slots[slot] = Int32(id)
            }
        }
    }

    /// The ID of a text, or -1.
    func id(of text: ArraySlice<UInt8>) -> Int32 {
        text.isEmpty ? -1 : find(text).id
    }

    private func find(_ text: ArraySlice<UInt8>) -> (slot: Int, id: Int32) {
        var hash = HashSeed.value
        for byte in text { hash = HashSeed.mix(hash &+ UInt64(byte) &+ 1) }
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] >= 0 {
            if texts.equals(Int(slots[slot]), text) { return (slot, slots[slot]) }
            slot = (slot + 1) & mask
        }
        return (slot, -1)
    }
}

/// Hashes that differ from process to process, so that no file can make all its keys collide.
///
/// They decide where things lie in memory and nothing else.
enum HashSeed {
    static let value: UInt64 = {
        var hasher = Hasher()
        hasher.combine(0)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }()
    private static let factor: UInt64 = {
        var hasher = Hasher()
        hasher.combine(1)
        return UInt64(bitPattern: Int64(hasher.finalize())) | 1
    }()

    static func mix(_ hash: UInt64) -> UInt64 {
        let product = hash &* factor
        return product ^ (product >> 32)
    }

    /// A power of two that leaves at least a quarter of the slots empty.
    static func slotCount(_ count: Int) -> Int {
        var slotCount = 8
        while slotCount * 3 < count * 4 { slotCount *= 2 }
        return slotCount
    }
}
