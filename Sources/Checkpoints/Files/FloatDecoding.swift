internal import Tensors

/// Unquantised elements as Float32.
enum FloatDecoding {
    /// - Parameter bytes: little-endian, a whole number of elements.
    static func floats(_ bytes: [UInt8], elementType: ElementType) -> [Float] {
        let width = elementType.blockByteCount
        precondition(
            elementType.blockElementCount == 1 && bytes.count % width == 0,
            "\(bytes.count) bytes of \(elementType)"
        )
        return (0..<(bytes.count / width)).map { index in
            let start = index * width
            var bits: UInt32 = 0
            for byte in 0..<width { bits |= UInt32(bytes[start + byte]) << (8 * UInt32(byte)) }
            return switch elementType {
            case .float16: Float(Float16(bitPattern: UInt16(bits)))
            case .bfloat16: Float(bitPattern: bits << 16)
            default: Float(bitPattern: bits)
            }
        }
    }
}
