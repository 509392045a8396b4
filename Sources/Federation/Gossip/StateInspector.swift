public import Cryptography
public import Tensors

/// Makes the states that a member may send, and decides which of others may be averaged.
///
/// A state of round r is at most as long as the first adapter, one unit for each direction that can
/// be begun again, and r times the norm bound of one round: no training that keeps to the bound and
/// no mean leads beyond that. What is longer is refused, so a liar moves a mean by a bounded step.
public struct StateInspector: Sendable {
    /// A trained state with what others get of it.
    public struct Prepared: Hashable, Sendable {
        /// The state as this node goes on with it: scaled back where its training went too far.
        public let state: NamedTensors
        /// The object for others.
        public let bytes: [UInt8]
        /// What a member announces of it.
        public let summary: UpdateSummary
        /// Whether it had to be scaled back.
        public let isScaledToBound: Bool
    }

    private let manifest: SignedManifest
    private let layout: AdapterLayout
    private let startNorm: Double

    /// Prepares for states that descend from that first adapter.
    public init(manifest: SignedManifest, initialAdapter: NamedTensors) {
        self.manifest = manifest
        layout = AdapterLayout(of: initialAdapter)
        let directionCount = AdapterPairing(of: layout).pairs.reduce(0) { $0 + $1.rank }
        startNorm = Self.norm(of: initialAdapter) + Double(directionCount).squareRoot()
    }

    /// The greatest norm of a state of that round.
    public func normBound(round: UInt64) -> Double {
        startNorm + Double(round) * manifest.manifest.normBound
    }

    /// Finds the tensors of a state's object, whose values were checked when it came.
    ///
    /// - Throws: the reason if the object is not the announced one.
    public func view(
        _ bytes: [UInt8], announced: UpdateSummary
    ) throws(RejectReason) -> StateView {
        let view = try StateView(
            bytes, layout: layout, byteCountMax: manifest.manifest.updateByteCountMax)
        guard view.manifestDigest == manifest.digest else { throw .manifestMismatch }
        guard view.round == announced.round else { throw .updateWrongRound }
        guard view.member == announced.member, bytes.count == announced.byteCount else {
            throw .updateNotAsAnnounced
        }
        guard view.form == manifest.manifest.aggregation.wireForm else {
            throw .updateFormInvalid
        }
        return view
    }

    /// Checks a state's object against its announcement and the bounds of its values.
    ///
    /// - Throws: the reason why it must not be averaged.
    /// - Complexity: O(bytes).
    public func check(_ bytes: [UInt8], announced: UpdateSummary) throws(RejectReason) {
        let view = try view(bytes, announced: announced)
        var squares = 0.0
        for index in layout.entries.indices {
            for value in try view.values(of: index) { squares += Double(value) * Double(value) }
        }
        let allowed = normBound(round: view.round) * (1 + 0x1p-10)
        guard squares.squareRoot() <= allowed else { throw .updateNormExceeded }
    }

    /// The verdict on a state's object, as a fetch reports it.
    public func verdict(
        on bytes: [UInt8], announced: UpdateSummary
    ) -> Result<UpdateSummary, RejectReason> {
        do throws(RejectReason) {
            try check(bytes, announced: announced)
            return .success(announced)
        } catch {
            return .failure(error)
        }
    }

    /// Turns what training made of a base into what goes on and what is sent.
    ///
    /// - Throws: `updateShapeMismatch` for another layout, `updateNonFinite` for a value that is not
    ///   finite.
    /// - Complexity: O(elements).
    public func prepare(
        _ trained: NamedTensors, from base: NamedTensors, baseDigest: ObjectID, round: UInt64,
        member: PublicKey, exampleCount: Int
    ) throws(RejectReason) -> Prepared {
        guard AdapterLayout(of: trained) == layout, AdapterLayout(of: base) == layout else {
            throw .updateShapeMismatch
        }
        for element in trained.elements {
            guard element.tensor.values.allSatisfy(\.isFinite) else { throw .updateNonFinite }
        }
        let delta = Self.norm(of: trained.subtracting(base))
        var state = trained
        var isScaled = false
        if delta > manifest.manifest.normBound {
            isScaled = true
            state = Self.moved(base, to: trained, by: manifest.manifest.normBound / delta)
        }
        let bound = normBound(round: round)
        let norm = Self.norm(of: state)
        if norm > bound {
            isScaled = true
            let zero = OuterStep.zeros(like: state)
            state = Self.moved(zero, to: state, by: bound / norm)
        }
        var bytes = StateObjectCodec.encode(
            state, manifest: manifest, round: round, member: member)
        func object(_ bytes: [UInt8]) throws(RejectReason) -> StateObject {
            try StateObjectCodec.decode(bytes, layout: layout, byteCountMax: .max)
        }
        var sent = try object(bytes)
        if Self.norm(of: sent.state) > bound {
            bytes = StateObjectCodec.encode(
                state, manifest: manifest, round: round, member: member, roundsDown: true)
            sent = try object(bytes)
        }
        return Prepared(
            state: state, bytes: bytes,
            summary: sent.summary(bytes: bytes, base: baseDigest, exampleCount: exampleCount),
            isScaledToBound: isScaled)
    }

    private static func norm(of tensors: NamedTensors) -> Double {
        var squares = 0.0
        for element in tensors.elements {
            for value in element.tensor.values { squares += Double(value) * Double(value) }
        }
        return squares.squareRoot()
    }

    /// From one state a share of the way to another.
    private static func moved(
        _ start: NamedTensors, to end: NamedTensors, by share: Double
    ) -> NamedTensors {
        var elements = start.elements
        for index in elements.indices {
            let ends = end.elements[index].tensor.values
            let starts = elements[index].tensor.values
            elements[index].tensor.values = zip(starts, ends).map { from, to in
                Float(Double(from) + share * (Double(to) - Double(from)))
            }
        }
        return NamedTensors(elements)
    }
}
