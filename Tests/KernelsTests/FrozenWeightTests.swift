import Kernels
import Tensors
import Testing

@Suite struct FrozenWeightTests {
    /// A weight of random blocks and its values by plain loops.
    private struct Encoded {
        let weight: FrozenWeight
        /// As the storage keeps them.
        let values: ReferenceMatrix
        let isFinite: Bool

        init(
            _ parts: [(rowCount: Int, type: ElementType)],
            columns: Int,
            storage: FrozenWeight.Storage,
            seed: UInt64 = 31
        ) {
            var sample = Sample(seed: seed)
            let weight = FrozenWeight(parts: parts, columnCount: columns, storage: storage)
            var row = 0
            var values: [Double] = []
            var isFinite = true
            for part in parts {
                let bytes = sample.encoded(part.type, elementCount: part.rowCount * columns)
                let rows = row..<row + part.rowCount
                unsafe bytes.withUnsafeBytes {
                    isFinite = unsafe weight.fill(rows: rows, from: $0, type: part.type) && isFinite
                }
                values += ReferenceDequantizer.convert(bytes, elementType: part.type)
                    .map { Double($0) }
                row = rows.upperBound
            }
            let whole = ReferenceMatrix(row, columns, values: values)
            self.weight = weight
            self.isFinite = isFinite
            self.values =
                storage == .bfloat16 ? OwnedOperand(whole, .bfloat16).reference : whole
        }

        /// What products of a type read.
        func values(_ type: ComputeType) -> ReferenceMatrix {
            type == .float32 ? values : OwnedOperand(values, .bfloat16).reference
        }
    }

    /// Both products with and without adding, and a term in each.
    private func check(
        _ encoded: Encoded,
        _ type: ComputeType,
        rowCount: Int,
        threadCounts: [Int]
    ) {
        var sample = Sample(seed: 32)
        let values = encoded.values(type)
        let (outputs, inputs) = (values.rowCount, values.columnCount)
        let x = OwnedOperand(sample.matrix(rowCount, inputs), type, gap: 1)
        let gy = OwnedOperand(sample.matrix(rowCount, outputs), type, gap: 2)
        let state = OwnedOperand(sample.matrix(rowCount, 3), type)
        let up = OwnedOperand(sample.matrix(outputs, 3), type)
        let down = OwnedOperand(sample.matrix(3, inputs), type)
        let forward = x.reference * values.transposed
        let forwardTerm = state.reference * up.reference.transposed
        let backward = gy.reference * values
        let backwardTerm = state.reference * down.reference
        let forwardSum = sum(forward, forwardTerm, 3)
        let backwardSum = sum(backward, backwardTerm, 3)
        let upTerm = LowRankTerm(
            columns: 0..<outputs, left: state.operand, timesTransposed: up.operand)
        let downTerm = LowRankTerm(left: state.operand, times: down.operand)
        let indices = [outputs - 1, 0, outputs / 2, 0]
        for threadCount in threadCounts {
            ComputeThreads.with(count: threadCount) {
                for adds in [false, true] {
                    let y = OwnedMatrix(rowCount, outputs, filledWith: 3)
                    encoded.weight.multiplyTransposed(
                        x.operand, into: y.matrix, adds: adds, terms: adds ? [upTerm] : [])
                    #expect(distance(y.matrix, adds ? forwardSum : forward) < 1e-5)
                    let gx = OwnedMatrix(rowCount, inputs, filledWith: 3)
                    encoded.weight.multiply(
                        gy.operand, into: gx.matrix, adds: adds, terms: adds ? [downTerm] : [])
                    #expect(distance(gx.matrix, adds ? backwardSum : backward) < 1e-5)
                }
                let rows = OwnedMatrix(4, inputs)
                encoded.weight.rows(at: indices.map { Int32($0) }, into: rows.matrix)
                #expect(
                    rows.matrix.values.map { Double($0) }
                        == indices.flatMap { encoded.values.row($0) })
            }
        }
    }

    private func sum(
        _ a: ReferenceMatrix,
        _ b: ReferenceMatrix,
        _ constant: Double
    ) -> ReferenceMatrix {
        ReferenceMatrix(
            a.rowCount, a.columnCount, values: zip(a.values, b.values).map { $0 + $1 + constant })
    }

    @Test(arguments: ElementType.allCases, FrozenWeight.Storage.allCases)
    func `products with every type in every storage are those of its values`(
        type: ElementType,
        storage: FrozenWeight.Storage
    ) {
        let encoded = Encoded([(37, type)], columns: 512, storage: storage)
        #expect(encoded.isFinite)
        #expect(encoded.weight.rowCount == 37 && encoded.weight.columnCount == 512)
        let byteCount =
            switch storage {
            case .float32: 37 * 512 * 4
            case .bfloat16: 37 * 512 * 2
            case .encoded, .mapped, .streamed:
                37 * 512 / type.blockElementCount * type.blockByteCount
            }
        #expect(encoded.weight.byteCount == byteCount)
        for computeType in ComputeType.allCases {
            check(encoded, computeType, rowCount: 3, threadCounts: [1, 2, 3])
        }
    }

    @Test(arguments: FrozenWeight.Storage.allCases, ComputeType.allCases)
    func `parts of different types lie below one another`(
        storage: FrozenWeight.Storage,
        computeType: ComputeType
    ) {
        let parts: [(rowCount: Int, type: ElementType)] = [
            (24, .q4_K), (3, .float16), (40, .q8_0), (1, .float32), (17, .q6_K), (5, .bfloat16),
        ]
        let encoded = Encoded(parts, columns: 768, storage: storage)
        #expect(encoded.isFinite)
        check(encoded, computeType, rowCount: 3, threadCounts: [1, 2, 3, 7])
    }

    /// 900 x 640 values are more than two tiles.
    @Test(arguments: FrozenWeight.Storage.allCases, ComputeType.allCases)
    func `a weight of several tiles is right and repeats bit for bit`(
        storage: FrozenWeight.Storage,
        computeType: ComputeType
    ) {
        let encoded = Encoded([(500, .q8_0), (400, .bfloat16)], columns: 640, storage: storage)
        var sample = Sample(seed: 33)
        let x = OwnedOperand(sample.matrix(1, 640), computeType)
        let gy = OwnedOperand(sample.matrix(1, 900), computeType)
        let values = encoded.values(computeType)
        let forward = x.reference * values.transposed
        let backward = gy.reference * values
        for threadCount in 1...3 {
            ComputeThreads.with(count: threadCount) {
                var bits: Set<[UInt32]> = []
                for _ in 0..<3 {
                    let y = OwnedMatrix(1, 900)
                    let gx = OwnedMatrix(1, 640)
                    encoded.weight.multiplyTransposed(x.operand, into: y.matrix)
                    encoded.weight.multiply(gy.operand, into: gx.matrix)
                    #expect(distance(y.matrix, forward) < 1e-5)
                    #expect(distance(gx.matrix, backward) < 1e-5)
                    bits.insert((y.matrix.values + gx.matrix.values).map(\.bitPattern))
                }
                #expect(bits.count == 1, "\(threadCount) threads")
            }
        }
    }

    @Test(arguments: FrozenWeight.Storage.allCases)
    func `values that are not finite are found wherever they are`(
        storage: FrozenWeight.Storage
    ) {
        for type in ElementType.allCases {
            var sample = Sample(seed: 34)
            let bytes = sample.encoded(type, elementCount: 4 * 512)
            let blocks = bytes.count / type.blockByteCount
            for block in [0, blocks / 2, blocks - 1] {
                for high in [UInt8(0x7F), 0xFF] {
                    var bad = bytes
                    // Exponents of all ones, with a mantissa for a NaN in the larger formats.
                    let place = block * type.blockByteCount + type.halfOffsets[0]
                    bad[place] = 0xFF
                    bad[place + 1] = high
                    #expect(!fill(bad, type, storage), "\(type) in block \(block)")
                }
            }
            #expect(fill(bytes, type, storage), "\(type)")
        }
    }

    @Test func `a value that only rounding makes infinite is refused`() {
        let values = [Float](repeating: .greatestFiniteMagnitude, count: 4 * 512)
        let bytes = unsafe values.withUnsafeBytes { unsafe Array($0) }
        #expect(fill(bytes, .float32, .float32))
        #expect(fill(bytes, .float32, .encoded))
        #expect(!fill(bytes, .float32, .bfloat16))
    }

    private func fill(
        _ bytes: [UInt8],
        _ type: ElementType,
        _ storage: FrozenWeight.Storage
    ) -> Bool {
        let weight = FrozenWeight(
            parts: [(2, .float32), (4, type)], columnCount: 512, storage: storage)
        return unsafe bytes.withUnsafeBytes {
            unsafe weight.fill(rows: 2..<6, from: $0, type: type)
        }
    }
}
