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
        case .q5_0: fiveBits(bytes, at: 2).map { scale(bytes, 0) * Float(Int($0) - 16) }
        case .q5_1: fiveBits(bytes, at: 4).map { scale(bytes, 0) * Float($0) + scale(bytes, 2) }
        case .q8_0: bytes[2...].map { scale(bytes, 0) * Float(Int8(bitPattern: $0)) }
        case .q4_K, .q5_K: groups(bytes, hasFifthBits: elementType == .q5_K)
        case .q6_K: signedGroups(bytes)
        }
    }

    /// The low halves of all bytes, then the high ones.
    private static func nibbles(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        bytes.map { $0 & 15 } + bytes.map { $0 >> 4 }
    }

    private static func fiveBits(_ bytes: [UInt8], at offset: Int) -> [UInt8] {
        nibbles(bytes[(offset + 4)...]).enumerated().map { index, low in
            low | (bytes[offset + index / 8] >> UInt8(index % 8) & 1) << 4
        }
    }

    private static func groups(_ bytes: [UInt8], hasFifthBits: Bool) -> [Float] {
        let packed = bytes[4..<16].map { Int($0) }
        return (0..<256).map { index in
            let (group, i) = (index / 32, index % 32)
            let scale6 =
                group < 4
                ? packed[group] % 64 : packed[group + 4] % 16 + packed[group - 4] / 64 * 16
            let minimum6 =
                group < 4
                ? packed[group + 4] % 64 : packed[group + 4] / 16 + packed[group] / 64 * 16
            let byte = Int(bytes[(hasFifthBits ? 48 : 16) + group / 2 * 32 + i])
            let low = group % 2 == 0 ? byte % 16 : byte / 16
            let high = hasFifthBits ? Int(bytes[16 + i] >> UInt8(group) & 1) : 0
            return scale(bytes, 0) * Float(scale6) * Float(low + 16 * high)
                - scale(bytes, 2) * Float(minimum6)
        }
    }

    private static func signedGroups(_ bytes: [UInt8]) -> [Float] {
        (0..<256).map { index in
            let (half, quarter, i) = (index / 128, index / 32 % 4, index % 32)
            let byte = Int(bytes[64 * half + quarter % 2 * 32 + i])
            let low = quarter < 2 ? byte % 16 : byte / 16
            let high = Int(bytes[128 + 32 * half + i] >> UInt8(2 * quarter) & 3)
            let scale8 = Float(Int8(bitPattern: bytes[192 + index / 16]))
            return scale(bytes, 208) * scale8 * Float(low + 16 * high - 32)
        }
    }

    private static func scale(_ bytes: [UInt8], _ index: Int) -> Float {
        Float(Float16(bitPattern: half(bytes, index)))
    }

    private static func half(_ bytes: [UInt8], _ index: Int) -> UInt16 {
        UInt16(bytes[index]) | UInt16(bytes[index + 1]) << 8
    }
}
