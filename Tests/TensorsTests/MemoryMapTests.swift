import Testing

@testable import Tensors

@Suite struct MemoryMapTests {
    @Test(arguments: [2, 4, 64])
    func `alternating halves place every row once, and its pair beside it`(count: Int) {
        let order = MappedRows.Order.alternatingHalves(groupRowCount: count)
        let places = (0..<3 * count).map(order.place)
        #expect(places.sorted() == Array(0..<3 * count))
        for group in 0..<3 {
            for row in 0..<count / 2 {
                let first = group * count + row
                #expect(places[first] == group * count + 2 * row)
                #expect(places[first + count / 2] == places[first] + 1)
            }
        }
        for lower in 0..<3 * count {
            for upper in lower...3 * count {
                let whole = order.places(of: lower..<upper)
                #expect(places[lower..<upper].allSatisfy(whole.contains))
                #expect(whole.count < upper - lower + 2 * count)
            }
        }
    }

    @Test func `rows in the same order are where they are`() {
        #expect((0..<5).map(MappedRows.Order.same.place) == [0, 1, 2, 3, 4])
        #expect(MappedRows.Order.same.places(of: 3..<9) == 3..<9)
    }

    @Test func `pages go by whole windows that stay inside the map`() {
        let window = UInt(MappedPages.windowByteCount)
        let base = 1000 * window
        func pages(_ bytes: Range<UInt>, in span: Range<UInt>) -> [UInt] {
            let (lower, upper) = MappedPages.window(of: bytes, in: span)
            return [lower, upper]
        }
        let wide = base - 10 * window..<base + 10 * window
        #expect(pages(base + 5..<base + 6, in: wide) == [base, base + window])
        #expect(
            pages(base + window - 1..<base + window + 1, in: wide) == [base, base + 2 * window])
        #expect(pages(base..<base + window, in: wide) == [base, base + window])
        // 4096 divides every page size, and 65,536 is a multiple of every one.
        let narrow = base + window..<base + 2 * window
        #expect(
            pages(base + window + 7..<base + window + 9, in: narrow) == [
                base + window, base + 2 * window,
            ])
        let inner = base + window..<base + window + 1
        let (lower, upper) = MappedPages.window(of: inner, in: inner)
        #expect(lower == base + window && upper > lower && upper <= base + 2 * window)
    }
}
