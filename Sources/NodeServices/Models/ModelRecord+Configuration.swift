internal import Checkpoints
internal import Federation

/// How a record writes the configuration: `docs/storage.md`, "Model records".
extension ModelRecord {
    /// The layouts by the number in their domain.
    enum Layout: Int, CaseIterable {
        /// The extents of a plain Llama.
        case plain = 1
        /// The same, and what the Llama family differs in.
        case family = 2

        var domain: StaticString {
            switch self {
            case .plain: "starling/model/1"
            case .family: "starling/model/2"
            }
        }
    }

    /// What a rotation's scaling is called in the bytes; numbers are never reused.
    private enum ScalingKind: UInt8 {
        case none = 0
        case linear = 1
        case llama3 = 2
        case divisors = 3
    }

    /// The most divisors: half of the greatest head in use is 128.
    private static let divisorCountMax = 4_096

    /// The one layout that a configuration is written in, so that equal models have equal bytes.
    static func layout(of configuration: ModelConfiguration) -> Layout {
        let isPlain =
            configuration.ropeScaling == nil && configuration.slidingWindow == nil
            && !configuration.hasAttentionBiases && !configuration.normalizesQueriesAndKeys
        return isPlain ? .plain : .family
    }

    /// Starts behind the domain of a known layout.
    static func reader(
        of bytes: [UInt8]
    ) throws(CanonicalError) -> (CanonicalReader, Layout) {
        for layout in Layout.allCases {
            do {
                return (try CanonicalReader(bytes, domain: layout.domain), layout)
            } catch .wrongDomain {
                continue
            }
        }
        throw .wrongDomain
    }

    static func write(_ configuration: ModelConfiguration, to writer: inout CanonicalWriter) {
        writer.write(configuration.modelType)
        for extent in [
            configuration.hiddenSize, configuration.intermediateSize, configuration.layerCount,
            configuration.attentionHeadCount, configuration.keyValueHeadCount,
            configuration.headDimension, configuration.vocabularySize,
            configuration.positionCountMax,
        ] {
            writer.write(count: extent)
        }
        writer.write(configuration.rmsNormEpsilon.bitPattern)
        writer.write(configuration.ropeTheta.bitPattern)
        writer.write(UInt8(configuration.tiesWordEmbeddings ? 1 : 0))
        guard layout(of: configuration) == .family else { return }
        write(configuration.ropeScaling, to: &writer)
        // No window is 0 positions wide.
        writer.write(count: configuration.slidingWindow ?? 0)
        writer.write(UInt8(configuration.hasAttentionBiases ? 1 : 0))
        writer.write(UInt8(configuration.normalizesQueriesAndKeys ? 1 : 0))
    }

    private static func write(_ scaling: RopeScaling?, to writer: inout CanonicalWriter) {
        switch scaling {
        case nil:
            writer.write(ScalingKind.none.rawValue)
        case .linear(let factor):
            writer.write(ScalingKind.linear.rawValue)
            writer.write(factor.bitPattern)
        case .llama3(let factor, let low, let high, let originalPositionCount):
            writer.write(ScalingKind.llama3.rawValue)
            for value in [factor, low, high] { writer.write(value.bitPattern) }
            writer.write(count: originalPositionCount)
        case .divisors(let divisors):
            writer.write(ScalingKind.divisors.rawValue)
            writer.write(count: divisors.count)
            for divisor in divisors { writer.write(divisor.bitPattern) }
        }
    }

    /// - Throws: `malformed` for extents that no model has, too: nothing is allocated by them.
    static func readConfiguration(
        _ reader: inout CanonicalReader, layout: Layout
    ) throws(CanonicalError) -> ModelConfiguration {
        let modelType = try reader.readText(max: 64)
        var extents: [Int] = []
        for _ in 0..<8 {
            extents.append(Int(try reader.read(UInt32.self)))
        }
        var configuration = ModelConfiguration(
            modelType: modelType,
            hiddenSize: extents[0],
            intermediateSize: extents[1],
            layerCount: extents[2],
            attentionHeadCount: extents[3],
            keyValueHeadCount: extents[4],
            headDimension: extents[5],
            vocabularySize: extents[6],
            positionCountMax: extents[7],
            rmsNormEpsilon: try readFloat(&reader),
            ropeTheta: try readFloat(&reader),
            tiesWordEmbeddings: try reader.readBool()
        )
        if layout == .family {
            configuration.ropeScaling = try readScaling(&reader)
            let window = Int(try reader.read(UInt32.self))
            configuration.slidingWindow = window == 0 ? nil : window
            configuration.hasAttentionBiases = try reader.readBool()
            configuration.normalizesQueriesAndKeys = try reader.readBool()
        }
        guard self.layout(of: configuration) == layout, configuration.isPlausible else {
            throw .malformed(offset: reader.offset)
        }
        return configuration
    }

    private static func readScaling(
        _ reader: inout CanonicalReader
    ) throws(CanonicalError) -> RopeScaling? {
        let start = reader.offset
        guard let kind = ScalingKind(rawValue: try reader.read(UInt8.self)) else {
            throw .malformed(offset: start)
        }
        switch kind {
        case .none:
            return nil
        case .linear:
            return .linear(factor: try readFloat(&reader))
        case .llama3:
            return .llama3(
                factor: try readFloat(&reader),
                lowFrequencyFactor: try readFloat(&reader),
                highFrequencyFactor: try readFloat(&reader),
                originalPositionCount: Int(try reader.read(UInt32.self))
            )
        case .divisors:
            let count = try reader.readCount(max: divisorCountMax, itemByteCount: 4)
            var divisors: [Float] = []
            for _ in 0..<count { divisors.append(try readFloat(&reader)) }
            return .divisors(divisors)
        }
    }

    private static func readFloat(
        _ reader: inout CanonicalReader
    ) throws(CanonicalError) -> Float {
        Float(bitPattern: try reader.read(UInt32.self))
    }
}
