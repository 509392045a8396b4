internal import Cryptography
internal import Federation
internal import Logging
internal import Tensors

/// Makes a member's own adapter ready for others, in a federation that gossips.
struct StatePublisher: Sendable {
    let inspector: StateInspector
    let layout: AdapterLayout
    let member: PublicKey
    let store: NodeStore
    let logger: Logger

    /// Prepares a state for others without training it.
    func publish(round: UInt64, state: ObjectID, exampleCount: Int) async -> Event {
        do {
            let tensors = try AdapterStateCodec.decode(
                await store.requiredObject(state), layout: layout)
            return try await publish(
                tensors, from: tensors, base: state, round: round, exampleCount: exampleCount)
        } catch {
            logger.error(
                "the state could not be prepared",
                metadata: ["round": "\(round)", "reason": "\(error)"]
            )
            return .trainingFailed(round: round, reason: .trainingFailed)
        }
    }

    /// Stores what training made of a state, whole and as it travels.
    func publish(
        _ trained: NamedTensors, from start: NamedTensors, base: ObjectID, round: UInt64,
        exampleCount: Int
    ) async throws -> Event {
        let prepared = try inspector.prepare(
            trained, from: start, baseDigest: base, round: round, member: member,
            exampleCount: exampleCount)
        if prepared.isScaledToBound {
            logger.notice("the state was scaled to the norm bound", metadata: ["round": "\(round)"])
        }
        let state = try await store.storeObject(AdapterStateCodec.encode(prepared.state))
        try await store.storeObject(prepared.bytes)
        return .stateReady(round: round, state: state, summary: prepared.summary)
    }
}
