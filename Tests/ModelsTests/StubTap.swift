import Kernels
import Models

/// A tap that changes nothing and keeps some values at the sites of some layers.
final class StubTap: ProjectionTap {
    private let layers: Range<Int>
    private let sites: Set<ProjectionSite>
    private let width: Int
    let firstTrainedLayer: Int

    init(
        layers: Range<Int>,
        sites: Set<ProjectionSite> = Set(ProjectionSite.allCases),
        width: Int,
        firstTrainedLayer: Int = 0
    ) {
        self.layers = layers
        self.sites = sites
        self.width = width
        self.firstTrainedLayer = firstTrainedLayer
    }

    func begin(_ type: ComputeType) {}

    func adapts(layer: Int, site: ProjectionSite) -> Bool {
        layers.contains(layer) && sites.contains(site)
    }

    func stateWidth(layer: Int, site: ProjectionSite) -> Int {
        adapts(layer: layer, site: site) ? width + site.rawValue : 0
    }

    /// Marks the state, to see that it is the same place in the backward pass.
    func forward(
        layer: Int,
        site: ProjectionSite,
        input: Operand,
        state: Operand
    ) -> [LowRankTerm] {
        state.store(mark(layer, site, rows: state.rowCount, columns: state.columnCount))
        return []
    }

    /// How often a state came back as it was left.
    private(set) var matchCount = 0
    private(set) var backwardCount = 0

    func backward(
        layer: Int,
        site: ProjectionSite,
        input: Operand,
        outputGradient: Operand,
        state: Operand
    ) -> [LowRankTerm] {
        backwardCount += 1
        let expected = mark(layer, site, rows: state.rowCount, columns: state.columnCount)
        if state.values == expected.values { matchCount += 1 }
        return []
    }

    private func mark(
        _ layer: Int,
        _ site: ProjectionSite,
        rows: Int,
        columns: Int
    ) -> Matrix {
        let mark = FloatBuffer(count: rows * columns).take(rows: rows, columns: columns)
        mark.fill(Float(4 * layer + site.rawValue + 1))
        return mark
    }
}
