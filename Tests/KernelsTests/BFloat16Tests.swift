import Kernels
import Testing

@Suite struct BFloat16Tests {
    /// The nearest value with 8 bits of mantissa, of two the even one, by arithmetic.
    private func rounded(_ value: Float) -> Float {
        guard value.isFinite, value != 0 else { return value }
        let exponent = max(Int(value.exponent), -126)
        let unit = Double(sign: .plus, exponent: exponent - 7, significand: 1)
        let result = (Double(value) / unit).rounded(.toNearestOrEven) * unit
        // The largest value has 8 ones and the exponent 127.
        let most = Double(sign: .plus, exponent: 127, significand: 2 - 1.0 / 128)
        return abs(result) > most ? Float(signOf: value, magnitudeOf: .infinity) : Float(result)
    }

    private func stored(_ values: [Float]) -> [Float] {
        let wide = FloatBuffer(count: values.count).take(rows: 1, columns: values.count)
        wide.copy(from: values)
        let room = FloatBuffer.room(rows: 1, columns: values.count, type: .bfloat16)
        let half = FloatBuffer(count: room)
            .take(rows: 1, columns: values.count, type: .bfloat16)
        half.store(wide)
        return half.values
    }

    @Test func `every upper half of a Float32 survives, but for the payload of a NaN`() {
        let values = (0...UInt32(UInt16.max)).map { Float(bitPattern: $0 << 16) }
        for (value, result) in zip(values, stored(values)) {
            #expect(value.isNaN ? result.isNaN : result.bitPattern == value.bitPattern)
        }
    }

    @Test func `values in between go to the nearest, ties to the even one`() {
        let lower: [UInt32] = [0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF]
        let values = stride(from: 0, through: UInt32(UInt16.max), by: 7).flatMap { upper in
            lower.map { Float(bitPattern: upper << 16 | $0) }
        }
        for (value, result) in zip(values, stored(values)) {
            let expected = rounded(value)
            #expect(
                value.isNaN ? result.isNaN : result.bitPattern == expected.bitPattern,
                "\(value) became \(result) instead of \(expected)")
        }
    }

    @Test func `known values round as they should`() {
        let one: Float = 1
        let step: Float = 1.0 / 128
        let least = Float(bitPattern: 0x0001_0000)
        let most = Float(bitPattern: 0x7F7F_0000)
        let cases: [(Float, Float)] = [
            (one + step / 2, one), (one + 1.5 * step, one + 2 * step),
            (-(one + step / 2), -one), ((one + step / 2).nextUp, one + step),
            ((one + step / 2).nextDown, one),
            (.greatestFiniteMagnitude, .infinity), (-.greatestFiniteMagnitude, -.infinity),
            (most, most), (Float(bitPattern: 0x7F7F_7FFF), most),
            (Float(bitPattern: 0x7F7F_8000), .infinity),
            (.infinity, .infinity), (-.infinity, -.infinity),
            (least, least), (least / 2, 0), ((least / 2).nextUp, least),
            (least * 1.5, least * 2), (.leastNonzeroMagnitude, 0), (0, 0),
        ]
        let results = stored(cases.map(\.0))
        for (index, (value, expected)) in cases.enumerated() {
            #expect(results[index] == expected, "\(value)")
        }
        #expect(stored([-.leastNonzeroMagnitude])[0].sign == .minus)
        // A NaN whose payload lies in the lower half alone is not an infinity afterwards.
        let quiet = stored([.nan, -.nan, Float(bitPattern: 0x7F80_0001), .signalingNaN])
        #expect(quiet.allSatisfy { $0.isNaN })
    }

    @Test(arguments: [1, 2, 3])
    func `strided views are stored, copied and loaded without touching their gaps`(
        threadCount: Int
    ) {
        var sample = Sample(seed: 21)
        let values = sample.matrix(37, 19)
        ComputeThreads.with(count: threadCount) {
            for type in ComputeType.allCases {
                let first = OwnedOperand(values, type, gap: 3)
                let second = OwnedOperand(37, 19, type, gap: 2)
                second.operand.copy(from: first.operand)
                let wide = OwnedMatrix(ReferenceMatrix(37, 19), gap: 5)
                second.operand.load(into: wide.matrix)
                let expected = values.values.map {
                    type == .float32 ? Float($0) : rounded(Float($0))
                }
                #expect(wide.matrix.values == expected)
                #expect(first.gapIsUntouched && second.gapIsUntouched)
                let part = second.operand.rows(5..<9).columns(2..<7)
                #expect(part.rowCount == 4 && part.columnCount == 5 && part.type == type)
                #expect(
                    part.values
                        == (5..<9).flatMap { row in
                            (2..<7).map { expected[row * 19 + $0] }
                        })
            }
        }
    }

    @Test func `views of odd extents lie side by side without overlapping`() {
        let rooms = [(3, 5), (1, 1), (7, 9)].map {
            FloatBuffer.room(rows: $0.0, columns: $0.1, type: .bfloat16)
        }
        let buffer = FloatBuffer(count: rooms.reduce(0, +))
        let views = [(3, 5), (1, 1), (7, 9)].map {
            buffer.take(rows: $0.0, columns: $0.1, type: .bfloat16)
        }
        #expect(buffer.taken == buffer.count)
        for (index, view) in views.enumerated() {
            view.store(
                OwnedMatrix(view.rowCount, view.columnCount, filledWith: Double(index)).matrix)
        }
        for (index, view) in views.enumerated() {
            #expect(view.values.allSatisfy { $0 == Float(index) })
        }
    }
}
