public import Tensors

/// What the members of a federation agree on after a round: the adapter, and the outer momentum
/// where the manifest keeps one.
///
/// Its tensors are one object with one digest, so that who joins or restarts fetches both. The
/// momentum of a tensor stands under its name behind `outer.momentum.`; an adapter without any is
/// the state before the first outer step.
public struct ConsensusState: Hashable, Sendable {
    static let momentumPrefix = "outer.momentum."

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

    /// Reads the object that an entry names.
    ///
    /// - Throws: `malformed` for bytes that no state has; else as ``init(_:layout:)``.
    public init(bytes: [UInt8], layout: AdapterLayout) throws(RejectReason) {
        let tensors: NamedTensors
        do {
            tensors = try AdapterStateCodec.decode(bytes)
        } catch {
            throw .malformed
        }
        try self.init(tensors, layout: layout)
    }

    /// The layout of the adapter in a state's object.
    ///
    /// - Throws: `malformed` for bytes that no state has.
    public static func layout(of bytes: [UInt8]) throws(RejectReason) -> AdapterLayout {
        do {
            let tensors = try AdapterStateCodec.decode(bytes)
            return AdapterLayout(
                of: NamedTensors(
                    tensors.elements.filter { !$0.name.hasPrefix(Self.momentumPrefix) }))
        } catch {
            throw .malformed
        }
    }

    /// The part of the state that belongs to some entries of its layout.
    func part(_ layout: AdapterLayout) -> ConsensusState {
        func part(_ tensors: NamedTensors) -> NamedTensors {
            NamedTensors(tensors.elements.filter { layout.index(of: $0.name) != nil })
        }
        return ConsensusState(adapter: part(adapter), momentum: momentum.map(part))
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
