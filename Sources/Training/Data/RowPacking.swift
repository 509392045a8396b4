internal import Tensors

/// Puts short texts together until they fill a sequence, so that little is computed for padding.
///
/// First fit decreasing: the longest text first, each into the first sequence that still has room
/// for it, or into a new one. Texts of equal length come in an order that the seed decides, so that
/// neighbours in a file do not always share a step. At most 11/9 of the fewest possible sequences
/// and one more are made.
/// Source: Dósa, "The tight bound of first fit decreasing bin-packing algorithm", ESCAPE 2007.
public struct RowPacking: Hashable, Sendable {
    /// The sequences, each the indices of its texts; every text is in one of them.
    public let sequences: [[Int]]

    /// The stream of the generator that orders equal lengths; see ``BatchSchedule`` for others.
    private static let orderStream = UInt64.max - 1

    /// Packs texts of these lengths.
    ///
    /// - Parameters:
    ///   - inputCounts: at most `capacity` each.
    ///   - capacity: the positions of a sequence.
    /// - Complexity: O(n log n).
    public init(inputCounts: [Int], capacity: Int, seed: UInt64) {
        precondition(
            inputCounts.allSatisfy { (0...capacity).contains($0) },
            "texts of up to \(inputCounts.max() ?? 0) positions in sequences of \(capacity)"
        )
        var generator = SplitMix64(seed: seed, stream: Self.orderStream)
        let places = generator.permutation(of: inputCounts.count)
        let order = inputCounts.indices.sorted {
            (inputCounts[$1], places[$0]) < (inputCounts[$0], places[$1])
        }
        var rooms = RoomTree(leafCount: inputCounts.count, room: capacity)
        var sequences: [[Int]] = []
        for index in order {
            let sequence = rooms.takeFirst(withRoomFor: inputCounts[index])
            if sequence == sequences.count { sequences.append([]) }
            sequences[sequence].append(index)
        }
        self.sequences = sequences
    }
}

/// The room that is left in each sequence, as a tree whose nodes hold the most below them.
private struct RoomTree {
    private var most: [Int]
    private let firstLeaf: Int

    /// As many sequences as there are texts can be needed.
    init(leafCount: Int, room: Int) {
        var width = 1
        while width < leafCount { width *= 2 }
        firstLeaf = width
        most = [Int](repeating: room, count: 2 * width)
    }

    /// The first sequence with room, which is less from now on.
    mutating func takeFirst(withRoomFor count: Int) -> Int {
        precondition(most[1] >= count, "no room for \(count)")
        var node = 1
        while node < firstLeaf {
            node *= 2
            if most[node] < count { node += 1 }
        }
        let sequence = node - firstLeaf
        most[node] -= count
        while node > 1 {
            node /= 2
            most[node] = max(most[2 * node], most[2 * node + 1])
        }
        return sequence
    }
}
