import Glibc
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

    @Test func `pages go with all that may have come along, inside the map`() {
        let page = UInt(sysconf(Int32(_SC_PAGESIZE)))
        let window = UInt(MappedPages.windowByteCount)
        let base = 1000 * window
        func pages(_ bytes: Range<UInt>, in span: Range<UInt>) -> [UInt] {
            let (lower, upper) = MappedPages.window(of: bytes, in: span)
            return [lower, upper]
        }
        let wide = base - 10 * window..<base + 10 * window
        #expect(
            pages(base + 5..<base + 6, in: wide) == [base - window + page, base + window])
        #expect(
            pages(base..<base + page + 1, in: wide) == [
                base - window + page, base + window + page,
            ])
        // Wherever windows begin, those of the bytes are inside.
        for offset in stride(from: 0, to: window, by: Int(16 * page)) {
            let bytes = base + offset + 7..<base + offset + 9
            let (lower, upper) = MappedPages.window(of: bytes, in: wide)
            let start = base + offset
            for first in [start + page - window, start - window / 2, start] {
                #expect(lower <= first && first + window <= upper)
            }
        }
        let narrow = base..<base + 3 * page
        #expect(pages(base + 7..<base + 9, in: narrow) == [base, base + 3 * page])
        let inner = base + page..<base + page + 1
        #expect(pages(inner, in: inner) == [base + page, base + 2 * page])
        #expect(pages(3..<4, in: 0..<page) == [0, page])
    }
}
