import Kernels
import Tensors
import Testing

/// Weights that are used where they lie, against copies of the same bytes.
@Suite struct MappedWeightTests {
    private struct Pair {
        let copied: FrozenWeight
        let mapped: FrozenWeight
        let maps: [GuardedMap]

        /// The first part's halves of 8 rows alternate in the map if `alternates`.
        init(
            _ parts: [(rowCount: Int, type: ElementType)],
            columns: Int,
            alternates: Bool = false,
            givesBackPages: Bool
        ) throws {
            var sample = Sample(seed: 41)
            let copied = FrozenWeight(parts: parts, columnCount: columns, storage: .encoded)
            var maps: [GuardedMap] = []
            var mapped: [(rowCount: Int, type: ElementType, rows: MappedRows)] = []
            var row = 0
            for (index, part) in parts.enumerated() {
                let bytes = sample.encoded(part.type, elementCount: part.rowCount * columns)
                let rows = row..<row + part.rowCount
                row = rows.upperBound
                #expect(
                    unsafe bytes.withUnsafeBytes {
                        unsafe copied.fill(rows: rows, from: $0, type: part.type)
                    })
                let order: MappedRows.Order =
                    index == 0 && alternates ? .alternatingHalves(groupRowCount: 8) : .same
                let map = try GuardedMap(
                    Self.place(bytes, rowByteCount: bytes.count / part.rowCount, order))
                maps.append(map)
                mapped.append(
                    (part.rowCount, part.type, unsafe MappedRows(map.bytes, of: map, order: order)))
            }
            self.copied = copied
            self.maps = maps
            self.mapped = FrozenWeight(
                mapped: mapped, columnCount: columns, givesBackPages: givesBackPages)
        }

        /// The same rows as they lie in another order.
        private static func place(
            _ bytes: [UInt8],
            rowByteCount: Int,
            _ order: MappedRows.Order
        ) -> [UInt8] {
            var placed = bytes
            for row in 0..<bytes.count / rowByteCount {
                let target = order.place(of: row) * rowByteCount
                placed[target..<target + rowByteCount] =
                    bytes[row * rowByteCount..<(row + 1) * rowByteCount]
            }
            return placed
        }

        func residentByteCount() throws -> Int {
            try maps.reduce(0) { $0 + (try $1.residentByteCount()) }
        }
    }

    /// The bits of both products and of a lookup.
    private func bits(_ weight: FrozenWeight, _ type: ComputeType, rowCount: Int) -> [UInt32] {
        var sample = Sample(seed: 42)
        let x = OwnedOperand(sample.matrix(rowCount, weight.columnCount), type)
        let gy = OwnedOperand(sample.matrix(rowCount, weight.rowCount), type)
        let y = OwnedMatrix(rowCount, weight.rowCount)
        let gx = OwnedMatrix(rowCount, weight.columnCount)
        let rows = OwnedMatrix(3, weight.columnCount)
        weight.multiplyTransposed(x.operand, into: y.matrix)
        weight.multiply(gy.operand, into: gx.matrix)
        weight.rows(at: [Int32(weight.rowCount - 1), 0, 5], into: rows.matrix)
        return (y.matrix.values + gx.matrix.values + rows.matrix.values).map(\.bitPattern)
    }

    @Test(arguments: ElementType.allCases, [false, true])
    func `a weight in place gives the bits of a copy and reads nothing beyond its end`(
        type: ElementType,
        givesBackPages: Bool
    ) throws {
        for alternates in [false, true] {
            let pair = try Pair(
                [(40, type), (24, .q8_0), (3, type)], columns: 512, alternates: alternates,
                givesBackPages: givesBackPages)
            #expect(pair.mapped.isFinite(rows: 0..<67))
            for computeType in ComputeType.allCases {
                for threadCount in 1...3 {
                    ComputeThreads.with(count: threadCount) {
                        #expect(
                            bits(pair.mapped, computeType, rowCount: 3)
                                == bits(pair.copied, computeType, rowCount: 3),
                            "\(computeType), \(threadCount) threads")
                    }
                }
            }
        }
    }

    /// 6000 x 512 values are twelve tiles; in Q8_0 they are 3.3 MB.
    @Test func `a streamed weight leaves no page behind, a mapped one all of them`() throws {
        let parts: [(rowCount: Int, type: ElementType)] = [(4000, .q8_0), (2000, .q4_1)]
        let byteCount = 4000 * 512 / 32 * 34 + 2000 * 512 / 32 * 20
        for alternates in [false, true] {
            let mapped = try Pair(
                parts, columns: 512, alternates: alternates, givesBackPages: false)
            let streamed = try Pair(
                parts, columns: 512, alternates: alternates, givesBackPages: true)
            #expect(mapped.mapped.byteCount == byteCount && streamed.mapped.byteCount == 0)
            for threadCount in 1...3 {
                try ComputeThreads.with(count: threadCount) { () throws in
                    let expected = bits(streamed.copied, .float32, rowCount: 2)
                    #expect(bits(mapped.mapped, .float32, rowCount: 2) == expected)
                    #expect(bits(streamed.mapped, .float32, rowCount: 2) == expected)
                    #expect(try mapped.residentByteCount() >= byteCount)
                    #expect(try streamed.residentByteCount() == 0)
                    #expect(streamed.mapped.passingByteCount > 0)
                    #expect(mapped.mapped.passingByteCount == 0)
                }
            }
        }
    }

    @Test func `a value that is not finite is found in its part`() throws {
        var sample = Sample(seed: 43)
        var bytes = sample.encoded(.q8_0, elementCount: 4 * 512)
        bytes[bytes.count - 33] = 0x7F
        bytes[bytes.count - 34] = 0xFF
        let map = try GuardedMap(bytes)
        let weight = FrozenWeight(
            mapped: [(4, .q8_0, unsafe MappedRows(map.bytes, of: map))], columnCount: 512,
            givesBackPages: true)
        #expect(weight.isFinite(rows: 0..<3) && !weight.isFinite(rows: 3..<4))
    }

    @Test func `a weight keeps its map`() throws {
        weak var map: GuardedMap?
        var weight: FrozenWeight?
        do {
            let made = try GuardedMap([UInt8](repeating: 0, count: 4 * 34))
            weight = FrozenWeight(
                mapped: [(4, .q8_0, unsafe MappedRows(made.bytes, of: made))], columnCount: 32,
                givesBackPages: true)
            map = made
        }
        #expect(map != nil && weight?.isFinite(rows: 0..<4) == true)
        weight = nil
        #expect(map == nil)
    }
}
