/// How the elements of an update travel.
///
/// Every form stands for the same ring integers: the short ones are a signed number of few bits
/// times a step, which is itself a ring integer and is the same for one direction of a tensor (one
/// row of A, one column of B; a whole lone tensor).
public enum WireForm: UInt8, Hashable, Sendable, CaseIterable {
    /// Each ring integer in 4 bytes.
    case ring32 = 0
    /// Numbers -127...127 in a byte each.
    case int8 = 1
    /// Numbers -7...7, two in a byte, the first in the low half.
    case int4 = 2

    /// The greatest magnitude of a number; `nil` for whole ring integers.
    var magnitudeMax: Int64? {
        switch self {
        case .ring32: nil
        case .int8: 127
        case .int4: 7
        }
    }

    /// The bytes of so many elements in so many steps.
    func byteCount(elementCount: Int, stepCount: Int) -> Int {
        switch self {
        case .ring32: 4 * elementCount
        case .int8: 4 * stepCount + elementCount
        case .int4: 4 * stepCount + (elementCount + 1) / 2
        }
    }
}
