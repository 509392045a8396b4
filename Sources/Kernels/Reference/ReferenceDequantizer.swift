package import Tensors

/// The plain twin of ``Dequantizer``.
package enum ReferenceDequantizer {
    package static func convert(_ bytes: [UInt8], elementType: ElementType) -> [Float] {
        let size = elementType.blockByteCount
        return stride(from: 0, to: bytes.count, by: size).flatMap { start in
            block(Array(bytes[start..<start + size]), elementType: elementType)
        }
    }

    private static func block(_ bytes: [UInt8], elementType: ElementType) -> [Float] {
        switch elementType {
        case .float32: [Float(bitPattern: UInt32(half(bytes, 0)) | UInt32(half(bytes, 2)) << 16)]
        case .float16: [Float(Float16(bitPattern: half(bytes, 0)))]
        case .bfloat16: [Float(bitPattern: UInt32(half(bytes, 0)) << 16)]
        case .q4_0: nibbles(bytes[2...]).map { scale(bytes, 0) * Float(Int($0) - 8) }
        case .q4_1: nibbles(bytes[4...]).map { scale(bytes, 0) * Float($0) + scale(bytes, 2) }
        case .q8_0: bytes[2...].map { scale(bytes, 0) * Float(Int8(bitPattern: $0)) }
        }
    }

    /// The low halves of all bytes, then the high ones.
    private static func nibbles(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        bytes.map { $0 & 15 } + bytes.map { $0 >> 4 }
    }

    private static func scale(_ bytes: [UInt8], _ index: Int) -> Float {
        Float(Float16(bitPattern: half(bytes, index)))
    }

    private static func half(_ bytes: [UInt8], _ index: Int) -> UInt16 {
        UInt16(bytes[index]) | UInt16(bytes[index + 1]) << 8
    }
}
