/// Finds what is not UTF-8.
enum UTF8Check {
    /// The offset of the first byte that is not UTF-8, or `nil` if all are.
    ///
    /// - Complexity: O(n).
    static func firstBadOffset(in bytes: ArraySlice<UInt8>) -> Int? {
        do throws(UTF8.ValidationError) {
            _ = try UTF8Span(validating: bytes.span)
            return nil
        } catch {
            return error.byteOffsets.lowerBound
        }
    }
}
