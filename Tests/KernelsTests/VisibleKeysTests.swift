import Testing

@testable import Kernels

@Suite struct VisibleKeysTests {
    private func ranges(_ visible: VisibleKeys) -> [Range<Int>] {
        zip(visible.lower, visible.upper).map { Int($0)..<Int($1) }
    }

    @Test func `the ranges are those of their definition`() {
        #expect(
            ranges(VisibleKeys(sequenceCount: 2, queryCount: 3))
                == [0..<1, 0..<2, 0..<3, 0..<1, 0..<2, 0..<3])
        #expect(
            ranges(VisibleKeys(sequenceCount: 1, queryCount: 2, keyCount: 5)) == [0..<4, 0..<5])
        #expect(
            ranges(VisibleKeys(sequenceCount: 1, queryCount: 4, window: 2))
                == [0..<1, 0..<2, 1..<3, 2..<4])
        #expect(
            ranges(VisibleKeys(sequenceCount: 1, queryCount: 1, keyCount: 9, window: 3)) == [6..<9])
        #expect(
            ranges(VisibleKeys(sequenceCount: 1, queryCount: 4, segmentStarts: [0, 0, 2, 2]))
                == [0..<1, 0..<2, 2..<3, 2..<4])
        #expect(
            ranges(VisibleKeys(sequenceCount: 1, queryCount: 4, prefixEnds: [3, 3, 3, 3]))
                == [0..<3, 0..<3, 0..<3, 0..<4])
        #expect(
            ranges(
                VisibleKeys(
                    sequenceCount: 1, queryCount: 5, window: 2, segmentStarts: [0, 0, 2, 2, 2],
                    prefixEnds: [1, 1, 4, 4, 4])) == [0..<1, 0..<2, 2..<4, 2..<4, 3..<5])
        #expect(ranges(VisibleKeys(sequenceCount: 0, queryCount: 0)).isEmpty)
    }

    @Test func `the keys of some queries span all that any of them sees`() {
        let visible = VisibleKeys(
            sequenceCount: 2, queryCount: 4, window: 2,
            segmentStarts: [0, 0, 0, 0, 0, 1, 1, 3], prefixEnds: [4, 0, 0, 0, 0, 0, 0, 0])
        #expect(visible.keys(sequence: 0, queries: 0..<4) == 0..<4)
        #expect(visible.keys(sequence: 0, queries: 1..<2) == 0..<2)
        #expect(visible.keys(sequence: 0, queries: 2..<4) == 1..<4)
        #expect(visible.keys(sequence: 1, queries: 1..<3) == 1..<3)
        #expect(visible.keys(sequence: 1, queries: 3..<4) == 3..<4)
    }
}
