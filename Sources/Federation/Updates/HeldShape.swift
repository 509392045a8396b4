internal import Tensors

/// The part of a tensor that a member holds: some slices along one axis.
struct HeldShape: Hashable {
    /// The whole tensor's shape.
    let shape: Shape
    /// The axis of the directions; `nil` for a tensor that has none.
    let axis: Int?
    /// The slices that are held, ascending; `nil` for all.
    let directions: [Int]?

    /// The extent of the axis, 1 without one.
    var extent: Int { axis.map { shape.extents[$0] } ?? 1 }
    /// The number of slices that are held.
    var heldCount: Int { directions?.count ?? extent }
    /// The elements that are held.
    var elementCount: Int {
        extent == 0 ? 0 : shape.elementCount / extent * heldCount
    }
    /// Calls for each held element, in order, with its place in the whole tensor and the place of
    /// its direction among the held ones.
    ///
    /// - Complexity: O(elements held).
    func forEach(_ body: (_ held: Int, _ whole: Int, _ slice: Int) -> Void) {
        // The product of the extents behind the axis overflows where only one before it is 0.
        guard shape.elementCount > 0 else { return }
        let extent = extent
        let stride = axis.map { shape.extents[($0 + 1)...].reduce(1, *) } ?? shape.elementCount
        var held = 0
        for outer in 0..<(shape.elementCount / (extent * stride)) {
            for slice in 0..<heldCount {
                let start = (outer * extent + (directions?[slice] ?? slice)) * stride
                for whole in start..<(start + stride) {
                    body(held, whole, slice)
                    held += 1
                }
            }
        }
    }
}
