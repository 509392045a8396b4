import Checkpoints
import Kernels
import Testing

@testable import Models

@Suite struct DecoderWorkspaceTests {
    struct Case: CustomTestStringConvertible {
        var computeType: ComputeType
        var recomputation: ModelOptions.Recomputation
        var trains: Bool
        /// The layers that are adapted.
        var layers: Range<Int>
        /// The first of them that is trained.
        var firstTrainedLayer = 0
        var hasNorms: Bool

        var testDescription: String {
            "\(computeType), \(recomputation), trains \(trains), layers \(layers)"
                + (hasNorms ? ", norms" : "")
        }

        /// Extents whose products are odd, so that every rounding of room shows.
        var configuration: ModelConfiguration {
            var configuration = MemoryTensorSource.smallConfiguration()
            configuration.hiddenSize = 15
            configuration.intermediateSize = 33
            configuration.layerCount = 4
            configuration.headDimension = 6
            configuration.normalizesQueriesAndKeys = hasNorms
            return configuration
        }

        func extents(rowCount: Int, logitsCount: Int = 0) -> DecoderWorkspace.Extents {
            let tap = StubTap(layers: layers, width: 3)
            return DecoderWorkspace.Extents(
                rowCount: rowCount,
                trains: trains,
                lowestLayer: layers.isEmpty ? 4 : max(layers.lowerBound, firstTrainedLayer),
                tapWidths: (0..<4).map { layer in
                    ProjectionSite.allCases.map { tap.stateWidth(layer: layer, site: $0) }
                },
                computeType: computeType,
                recomputation: recomputation,
                logitsCount: logitsCount
            )
        }
    }

    static let cases: [Case] = ComputeType.allCases.flatMap { type in
        ModelOptions.Recomputation.allCases.flatMap { recomputation in
            [0..<0, 0..<4, 3..<4, 1..<2].flatMap { cases(type, recomputation, layers: $0) }
        }
    }

    private static func cases(
        _ type: ComputeType, _ recomputation: ModelOptions.Recomputation, layers: Range<Int>
    ) -> [Case] {
        let first = Case(
            computeType: type, recomputation: recomputation, trains: true, layers: layers,
            hasNorms: layers.count == 1)
        var forward = first
        forward.trains = false
        forward.hasNorms = layers.count == 4
        var truncated = first
        truncated.firstTrainedLayer = 2
        truncated.hasNorms = layers.count == 4
        return [first, forward, truncated]
    }

    @Test(arguments: cases)
    func `the layout counts what the views take, no more and no less`(test: Case) {
        for rowCount in [1, 2, 7, 33] {
            let extents = test.extents(rowCount: rowCount)
            let layout = DecoderLayout(test.configuration, extents)
            var buffer = FloatBuffer(count: 0)
            let workspace = DecoderWorkspace(
                configuration: test.configuration, extents: extents, buffer: &buffer)
            #expect(buffer.count == layout.valueCount)
            #expect(buffer.taken == layout.valueCount)
            #expect((workspace.gradients != nil) == test.trains)
            // Logits that need more than the scratch that they stand over add the rest.
            let more = layout.valueCount - layout.lastingCount + 100
            let wide = DecoderLayout(
                test.configuration, test.extents(rowCount: rowCount, logitsCount: more))
            #expect(wide.valueCount == layout.valueCount + 100)
            let few = DecoderLayout(
                test.configuration, test.extents(rowCount: rowCount, logitsCount: more - 100))
            #expect(few.valueCount == layout.valueCount)
            // A smaller pass uses the same buffer from its start.
            let whole = ObjectIdentifier(buffer)
            let fewer = test.extents(rowCount: 1)
            _ = DecoderWorkspace(
                configuration: test.configuration, extents: fewer, buffer: &buffer)
            #expect(ObjectIdentifier(buffer) == whole)
            #expect(buffer.taken == DecoderLayout(test.configuration, fewer).valueCount)
        }
    }

    @Test(arguments: cases)
    func `no view overlaps another that lives at the same time`(test: Case) {
        let extents = test.extents(rowCount: 5)
        var buffer = FloatBuffer(count: 0)
        let workspace = DecoderWorkspace(
            configuration: test.configuration, extents: extents, buffer: &buffer)
        let layout = DecoderLayout(test.configuration, extents)
        var views: [Operand] = [
            .float32(workspace.stream), workspace.normed, workspace.product,
        ]
        for layer in 0..<4 {
            // Layers that keep nothing share views: the first stands for them all.
            let own = workspace.layer(layer)
            let all =
                [
                    own.input, own.plainQueryKey, own.queryKeyValue, own.attended, own.middle,
                    own.gateUp,
                ] + own.tapStates
            for (view, isKept) in zip(all, layout.kept(layer: layer)) where isKept || layer == 0 {
                views.append(view)
            }
            if layout.kept(layer: layer)[2] { views.append(.float32(own.logSumExp)) }
        }
        if let gradients = workspace.gradients {
            // The gradients of the MLP's product and of attention's heads stand in one place and
            // never live together; the wider stands for both.
            let product = gradients.product
            let heads = gradients.heads
            let isWider =
                product.rowCount * product.columnCount > heads.rowCount * heads.columnCount
            let matrices = [
                gradients.stream, gradients.normed, gradients.attended,
                isWider ? product : heads,
            ]
            views += matrices.map { .float32($0) } + [gradients.queryKeyValue]
            if test.computeType == .bfloat16 {
                views += [gradients.streamOperand, gradients.attendedOperand]
            }
        }
        for (index, view) in views.enumerated() {
            let values = FloatBuffer(count: view.rowCount * view.columnCount)
                .take(rows: view.rowCount, columns: view.columnCount)
            values.fill(Float(index + 1))
            view.store(values)
        }
        for (index, view) in views.enumerated() {
            #expect(view.values.allSatisfy { $0 == Float(index + 1) }, "view \(index)")
        }
    }

    @Test(arguments: cases)
    func `logits stand over nothing that is needed after the loss`(test: Case) {
        let extents = test.extents(rowCount: 5, logitsCount: 3000)
        var buffer = FloatBuffer(count: 0)
        let workspace = DecoderWorkspace(
            configuration: test.configuration, extents: extents, buffer: &buffer)
        let layout = DecoderLayout(test.configuration, extents)
        buffer.matrix(at: 0, rows: 1, columns: buffer.count).fill(1)
        buffer.matrix(at: workspace.logitsOffset, rows: 1, columns: 3000).fill(0)
        var lasting: [Operand] = [.float32(workspace.stream), workspace.normed]
        for layer in 0..<4 {
            let own = workspace.layer(layer)
            let all =
                [
                    own.input, own.plainQueryKey, own.queryKeyValue, own.attended, own.middle,
                    own.gateUp,
                ] + own.tapStates
            let kept = layout.kept(layer: layer)
            lasting += zip(all, kept).filter(\.1).map(\.0)
            if kept[2] { lasting.append(.float32(own.logSumExp)) }
        }
        if let gradients = workspace.gradients {
            lasting += [.float32(gradients.stream), .float32(gradients.normed)]
        }
        // Any half of a 1 is another bfloat16 than 0, or its partner is.
        for view in lasting where view.rowCount * view.columnCount > 1 {
            #expect(view.values.prefix(2).contains { $0 != 0 })
            #expect(view.values.suffix(2).contains { $0 != 0 })
        }
    }
}
