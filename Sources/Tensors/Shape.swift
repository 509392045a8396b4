/// The extents of a tensor, outermost first, row-major.
public struct Shape: Hashable, Sendable {
    /// The extents, outermost first.
    ///
    /// An empty list is a scalar.
    public let extents: [Int]

    /// Makes a shape whose extents are not negative and whose element count fits an `Int`.
    ///
    /// For extents from a file or a peer use ``init(checking:)``.
    public init(_ extents: [Int]) {
        guard let shape = Shape(checking: extents) else {
            preconditionFailure("extents \(extents) are negative or their product overflows")
        }
        self = shape
    }

    /// Makes a shape from extents that nobody has checked yet; `nil` if one is negative or the
    /// element count overflows.
    public init?(checking extents: [Int]) {
        var count = 1
        for extent in extents {
            guard extent >= 0 else { return nil }
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            guard !overflow else { return nil }
            count = product
        }
        self.extents = extents
    }

    /// The number of elements: the product of the extents, 1 for a scalar.
    public var elementCount: Int {
        extents.reduce(1, *)
    }
}

extension Shape: CustomStringConvertible {
    /// The extents in brackets, as in `[8, 576]`.
    public var description: String {
        "[" + extents.map(String.init).joined(separator: ", ") + "]"
    }
}
