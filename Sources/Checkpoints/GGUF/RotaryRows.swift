internal import Tensors

/// The two orders in which the rows of query and key projections are stored.
///
/// Rotary embedding turns channel j of a head together with channel j + d/2. Hugging Face stores
/// the channels in order; GGUF's Llama models store each pair side by side, so that channel
/// j + t·d/2 (t = 0 or 1) is row 2j + t of its head.
@safe enum RotaryRows {
    /// A copy of the rows in Hugging Face order.
    ///
    /// Rows are moved whole, so they may be quantised.
    static func huggingFaceOrder(
        _ bytes: UnsafeRawBufferPointer,
        rowByteCount: Int,
        headRowCount: Int
    ) -> [UInt8] {
        let order = MappedRows.Order.alternatingHalves(groupRowCount: headRowCount)
        return unsafe moved(
            bytes, rowByteCount: rowByteCount, headRowCount: headRowCount, source: order.place)
    }

    /// A copy of rows that are in Hugging Face order in the order of GGUF's Llama models.
    ///
    /// Rows are moved whole, so they may be quantised.
    static func interleavedOrder(
        _ bytes: UnsafeRawBufferPointer,
        rowByteCount: Int,
        headRowCount: Int
    ) -> [UInt8] {
        let halfCount = headRowCount / 2
        return unsafe moved(bytes, rowByteCount: rowByteCount, headRowCount: headRowCount) { row in
            row / 2 + row % 2 * halfCount
        }
    }

    /// A copy in which every row of a head comes from the row that `source` names.
    private static func moved(
        _ bytes: UnsafeRawBufferPointer,
        rowByteCount: Int,
        headRowCount: Int,
        source: (Int) -> Int
    ) -> [UInt8] {
        let headByteCount = rowByteCount * headRowCount
        precondition(
            headRowCount % 2 == 0 && headByteCount > 0 && bytes.count % headByteCount == 0,
            "\(bytes.count) bytes in heads of \(headRowCount) rows of \(rowByteCount) bytes"
        )
        return unsafe [UInt8](unsafeUninitializedCapacity: bytes.count) { ordered, count in
            for head in stride(from: 0, to: bytes.count, by: headByteCount) {
                for row in 0..<headRowCount {
                    let source = head + source(row) * rowByteCount
                    let target = head + row * rowByteCount
                    unsafe UnsafeMutableRawBufferPointer(
                        rebasing: UnsafeMutableRawBufferPointer(ordered)[
                            target..<(target + rowByteCount)
                        ]
                    ).copyMemory(
                        from: UnsafeRawBufferPointer(
                            rebasing: bytes[source..<(source + rowByteCount)]
                        )
                    )
                }
            }
            count = bytes.count
        }
    }
}
