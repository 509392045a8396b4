/// The plain twin of ``Dropout``.
package enum ReferenceDropout {
    package static func apply(
        _ mask: DropoutMask,
        to x: ReferenceMatrix,
        firstRow: Int = 0
    ) -> ReferenceMatrix {
        var y = x
        for row in 0..<x.rowCount {
            let (sequence, position) = (firstRow + row)
                .quotientAndRemainder(dividingBy: mask.sequenceLength)
            for column in 0..<x.columnCount {
                let words = philox(
                    counter: [
                        UInt32(column / 4), UInt32(position),
                        UInt32(mask.firstSequence + sequence), mask.plane,
                    ],
                    key: [UInt32(truncatingIfNeeded: mask.key), UInt32(mask.key >> 32)]
                )
                let keeps = words[column % 4] >= mask.threshold
                y[row, column] = keeps ? x[row, column] * Double(mask.scale) : 0
            }
        }
        return y
    }

    /// Philox 4x32 with 10 rounds: four words of a counter and two of a key to four words.
    ///
    /// Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", section 3.3.
    package static func philox(counter: [UInt32], key: [UInt32]) -> [UInt32] {
        var (counter, key) = (counter, key)
        for _ in 0..<10 {
            let even = counter[0].multipliedFullWidth(by: 0xD251_1F53)
            let odd = counter[2].multipliedFullWidth(by: 0xCD9E_8D57)
            counter = [
                odd.high ^ counter[1] ^ key[0], odd.low, even.high ^ counter[3] ^ key[1], even.low,
            ]
            key = [key[0] &+ 0x9E37_79B9, key[1] &+ 0xBB67_AE85]
        }
        return counter
    }
}
