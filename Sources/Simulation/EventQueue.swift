/// Events in order of time, and of insertion where times are equal: one order for one seed.
struct EventQueue<Element> {
    private struct Entry {
        let time: UInt64
        let sequence: UInt64
        let element: Element

        func precedes(_ other: Entry) -> Bool {
            (time, sequence) < (other.time, other.sequence)
        }
    }

    /// A binary heap: no entry precedes its parent.
    private var heap: [Entry] = []
    private var sequence: UInt64 = 0

    mutating func insert(_ element: Element, at time: UInt64) {
        heap.append(Entry(time: time, sequence: sequence, element: element))
        sequence += 1
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].precedes(heap[parent]) else { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func removeFirst() -> (time: UInt64, element: Element)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            siftDown()
        }
        return (first.time, first.element)
    }

    private mutating func siftDown() {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[child].precedes(heap[least]) {
                least = child
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
