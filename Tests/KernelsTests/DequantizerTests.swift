import Kernels
import Tensors
import Testing

@Suite struct DequantizerTests {
    @Test func `every binary16 number is converted exactly`() {
        let bytes = (0...UInt16.max).flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
        let values = convert(bytes, .float16, rows: 256)
        let expected = ReferenceDequantizer.convert(bytes, elementType: .float16)
        for (value, other) in zip(values, expected) {
            #expect(value.bitPattern == other.bitPattern || (value.isNaN && other.isNaN))
        }
    }

    @Test(arguments: ElementType.allCases)
    func `blocks agree with plain loops, unaligned too`(type: ElementType) {
        var sample = Sample(seed: 11)
        let bytes = sample.encoded(type, elementCount: 5 * 768)
        let expected = ReferenceDequantizer.convert(bytes, elementType: type)
        let values = convert(bytes, type, rows: 5)
        #expect(values.count == 3840)
        for (value, other) in zip(values, expected) {
            #expect(value == other)
        }
    }

    @Test(arguments: try QuantisationVectors.load().decoded)
    func `blocks of every quantised type decode as in gguf-py`(
        vector: QuantisationVectors.Vector
    ) throws {
        let type = try vector.elementType
        let values = convert(vector.blockBytes, type, rows: 1)
        #expect(values == vector.floats)
        #expect(ReferenceDequantizer.convert(vector.blockBytes, elementType: type) == values)
    }

    @Test func `a block of each 4-bit format has the values of its definition`() {
        // d = 0.5 and, for Q4_1, m = -1; bytes 0x10, 0x32, ... count the nibbles up.
        let nibbles = stride(from: 0, to: 32, by: 2).map { (low: Int) -> UInt8 in
            UInt8((low & 15) | ((low + 1) & 15) << 4)
        }
        let symmetric = convert([0x00, 0x38] + nibbles, .q4_0, rows: 1)
        let affine = convert([0x00, 0x38, 0x00, 0xBC] + nibbles, .q4_1, rows: 1)
        #expect(symmetric.prefix(4) == [-4, -3, -2, -1])
        #expect(symmetric[16...].prefix(3) == [-3.5, -2.5, -1.5])
        #expect(affine.prefix(3) == [-1, 0, 1])
    }

    @Test func `an infinity or NaN anywhere is found`() {
        let buffer = FloatBuffer(count: 70)
        let matrix = buffer.take(rows: 2, columns: 35)
        for bad in [Float.infinity, -.infinity, .nan] {
            for place in [0, 20, 34] {
                matrix.fill(Float.greatestFiniteMagnitude)
                #expect(Dequantizer.isFinite(matrix))
                matrix[1, place] = bad
                #expect(!Dequantizer.isFinite(matrix))
            }
        }
    }

    /// Converts from an address that is not even.
    private func convert(_ bytes: [UInt8], _ type: ElementType, rows: Int) -> [Float] {
        let count = bytes.count / type.blockByteCount * type.blockElementCount
        let buffer = FloatBuffer(count: count)
        let matrix = buffer.take(rows: rows, columns: count / rows)
        unsafe ([0] + bytes).withUnsafeBytes { raw in
            let moved = unsafe UnsafeRawBufferPointer(rebasing: raw.dropFirst())
            unsafe Dequantizer.convert(moved, elementType: type, into: matrix)
        }
        return matrix.values
    }
}
