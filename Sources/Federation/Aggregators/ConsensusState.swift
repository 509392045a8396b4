public import Tensors

/// What the members of a federation agree on after a round: the adapter, and the outer momentum
/// where the manifest keeps one.
///
/// Its tensors are one object with one digest, so that who joins or restarts fetches both. The
/// momentum of a tensor stands under its name behind `outer.momentum.`; an adapter without any is
/// the state before the first outer step.
public struct ConsensusState: Hashable, Sendable {
    private static let momentumPrefix = "outer.momentum."

    /// The adapter.
    public let adapter: NamedTensors
    /// The outer momentum, with the names and shapes of the adapter; `nil` before any.
    public let momentum: NamedTensors?

    /// Pairs adapter and momentum.
    public init(adapter: NamedTensors, momentum: NamedTensors? = nil) {
        self.adapter = adapter
        self.momentum = momentum
    }

    /// Tells adapter and momentum apart.
    ///
    /// - Throws: `updateShapeMismatch` if either has another layout, `updateNonFinite` for a value
    ///   that is not finite.
    public init(_ tensors: NamedTensors, layout: AdapterLayout) throws(RejectReason) {
        for element in tensors.elements {
            guard element.tensor.values.allSatisfy(\.isFinite) else { throw .updateNonFinite }
        }
        if AdapterLayout(of: tensors) == layout {
            self.init(adapter: tensors)
            return
        }
        var adapter: [NamedTensors.Element] = []
        var momentum: [NamedTensors.Element] = []
        for element in tensors.elements {
            if element.name.hasPrefix(Self.momentumPrefix) {
                momentum.append(
                    .init(
                        name: String(element.name.dropFirst(Self.momentumPrefix.count)),
                        tensor: element.tensor))
            } else {
                adapter.append(element)
            }
        }
        self.init(adapter: NamedTensors(adapter), momentum: NamedTensors(momentum))
        guard AdapterLayout(of: self.adapter) == layout,
            self.momentum.map(AdapterLayout.init(of:)) == layout
        else { throw .updateShapeMismatch }
    }

    /// Both in one collection.
    public var tensors: NamedTensors {
        NamedTensors(
            adapter.elements
                + (momentum?.elements ?? []).map {
                    .init(name: Self.momentumPrefix + $0.name, tensor: $0.tensor)
                })
    }
}
