import Kernels
import Tensors
import Testing

@Suite struct QuantizerTests {
    @Test(arguments: try QuantisationVectors.load().encoded)
    func `the types with a reference rounding give the bytes of gguf-py`(
        vector: QuantisationVectors.Vector
    ) throws {
        let type = try vector.elementType
        let values = vector.floats
        #expect(encode(values, type, rows: values.count / 32) == vector.blockBytes)
    }

    @Test func `every binary16 number survives, and halves between them go to even`() {
        let finite = (0...UInt16.max).filter { $0 & 0x7C00 != 0x7C00 }
        let values = finite.map { Float(Float16(bitPattern: $0)) }
        #expect(encode(values, .float16, rows: 2) == finite.flatMap { bytes(of: $0) })
        let between = zip(finite, finite.dropFirst()).filter { $0.1 == $0.0 + 1 }.map {
            (Float(Float16(bitPattern: $0.0)) + Float(Float16(bitPattern: $0.1))) / 2
        }
        let expected = between.flatMap { bytes(of: Float16($0).bitPattern) }
        #expect(encode(between, .float16, rows: 1) == expected)
        #expect(
            encode([65519, 65520, -.infinity], .float16, rows: 1) == [255, 123, 0, 124, 0, 252])
    }

    /// The error as a share of a plain encoder's: steps from the extremes of each group, short
    /// scales rounded to nearest, nothing fitted.
    private static let plainBounds: [(type: ElementType, relativeError: Double)] = [
        (.q4_K, 0.92), (.q5_K, 0.94), (.q6_K, 0.97),
    ]

    @Test(arguments: plainBounds.map(\.type), [Double](arrayLiteral: 0.02, 1, 40))
    func `K types err less than rounding from the extremes`(
        type: ElementType, size: Double
    ) throws {
        let bound = try #require(Self.plainBounds.first { $0.type == type }).relativeError
        for shift in [0.0, 1.5, -1.5] {
            let values = normal(4096, size: size, shift: shift * size, seed: 5)
            let decoded = decode(encode(values, type, rows: 4), type)
            let plain = type == .q6_K ? PlainK.signed(values) : PlainK.affine(values, type)
            let ratio = rootMeanSquare(values, decoded) / rootMeanSquare(values, plain)
            #expect(ratio < bound)
        }
    }

    @Test(arguments: [ElementType.q4_K, .q5_K, .q6_K])
    func `what a K type can nearly hold comes back`(type: ElementType) {
        // 15 or 31 steps of a short float from a minimum, or 63 around 0.
        let (codeCount, step, least): (Int, Float, Float) =
            type == .q6_K ? (64, 0.25, -8) : (type == .q4_K ? 16 : 32, 0.5, -3)
        let values = (0..<512).map { Float($0 % codeCount) * step + least }
        let decoded = decode(encode(values, type, rows: 2), type)
        #expect(rootMeanSquare(values, decoded) < 0.1 * Double(step))
        for constant in [Float(0), 1, -1] {
            let block = [Float](repeating: constant, count: 256)
            let result = decode(encode(block, type, rows: 1), type)
            let distance = result.map { abs($0 - constant) }.max() ?? 1
            #expect(distance <= 0.004, "\(type) \(constant)")
        }
    }

    @Test(arguments: ElementType.allCases)
    func `any bits encode to as many bytes, and finite ones of moderate size to finite values`(
        type: ElementType
    ) {
        var sample = Sample(seed: 3)
        let wild = (0..<2560).map { _ in Float(bitPattern: sample.bits() << 1 ^ sample.bits()) }
        #expect(encode(wild, type, rows: 1).count == type.byteCount(of: Shape([2560])))
        let tame = wild.map { $0.isFinite && abs($0) < 30_000 ? $0 : 0 }
        let decoded = decode(encode(tame, type, rows: 1), type)
        #expect(decoded.allSatisfy { $0.isFinite })
    }

    @Test func `rows with gaps and threads change nothing`() {
        let values = normal(32 * 512, size: 1, shift: 0, seed: 8)
        let buffer = FloatBuffer(count: 32 * 600)
        let wide = buffer.take(rows: 32, columns: 600)
        wide.columns(0..<512).copy(from: values)
        let expected = encode(values, .q4_K, rows: 1)
        #expect(Quantizer.convert(wide.columns(0..<512), elementType: .q4_K) == expected)
    }

    private func normal(_ count: Int, size: Double, shift: Double, seed: UInt64) -> [Float] {
        var sample = Sample(seed: seed)
        return (0..<count).map { _ in
            Float(size * (0..<6).reduce(0) { sum, _ in sum + sample.unit() } + shift)
        }
    }

    private func rootMeanSquare(_ left: [Float], _ right: [Float]) -> Double {
        let sum = zip(left, right).reduce(0) { sum, pair in
            sum + Double(pair.0 - pair.1) * Double(pair.0 - pair.1)
        }
        return (sum / Double(left.count)).squareRoot()
    }

    private func encode(_ values: [Float], _ type: ElementType, rows: Int) -> [UInt8] {
        let buffer = FloatBuffer(count: values.count)
        let matrix = buffer.take(rows: rows, columns: values.count / rows)
        matrix.copy(from: values)
        return Quantizer.convert(matrix, elementType: type)
    }

    private func decode(_ bytes: [UInt8], _ type: ElementType) -> [Float] {
        ReferenceDequantizer.convert(bytes, elementType: type)
    }

    private func bytes(of half: UInt16) -> [UInt8] {
        [UInt8(half & 255), UInt8(half >> 8)]
    }
}

/// Rounding to nearest with scales from the extremes: what the search is measured against.
private enum PlainK {
    static func affine(_ values: [Float], _ type: ElementType) -> [Float] {
        let last: Float = type == .q4_K ? 15 : 31
        return blocks(of: 256, values).flatMap { block in
            let groups = blocks(of: 32, block)
            let minima = groups.map { max(0, -($0.min() ?? 0)) }
            let scales = zip(groups, minima).map { (max(0, $0.max() ?? 0) + $1) / last }
            let d = Float(Float16((scales.max() ?? 0) / 63))
            let e = Float(Float16((minima.max() ?? 0) / 63))
            return zip(groups, zip(scales, minima)).flatMap { group, short in
                let scale = d * (d == 0 ? 0 : (short.0 / d).rounded())
                let minimum = e * (e == 0 ? 0 : (short.1 / e).rounded())
                return group.map { value in
                    let code = scale == 0 ? 0 : ((value + minimum) / scale).rounded()
                    return scale * min(max(code, 0), last) - minimum
                }
            }
        }
    }

    static func signed(_ values: [Float]) -> [Float] {
        blocks(of: 256, values).flatMap { block in
            let groups = blocks(of: 16, block)
            let scales = groups.map { $0.map(abs).max().map { $0 / 32 } ?? 0 }
            let d = Float(Float16((scales.max() ?? 0) / 127))
            return zip(groups, scales).flatMap { group, short in
                let scale = d * (d == 0 ? 0 : (short / d).rounded())
                return group.map { value in
                    scale * min(max(scale == 0 ? 0 : (value / scale).rounded(), -32), 31)
                }
            }
        }
    }

    private static func blocks(of size: Int, _ values: [Float]) -> [[Float]] {
        stride(from: 0, to: values.count, by: size).map { Array(values[$0..<$0 + size]) }
    }
}
