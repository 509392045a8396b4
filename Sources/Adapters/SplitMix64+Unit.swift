internal import Tensors

extension SplitMix64 {
    /// A value of the open interval (-1, 1), symmetric around 0.
    mutating func nextSymmetricUnit() -> Float {
        // 23 bits and a half keep the value off both ends.
        let fraction = (Float(next() >> 41) + 0.5) * 0x1p-23
        return 2 * fraction - 1
    }
}
