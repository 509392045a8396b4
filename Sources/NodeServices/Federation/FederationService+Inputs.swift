internal import Cryptography
internal import Federation
internal import Logging
internal import Transports

extension FederationService {
    /// What the shell is told.
    enum Input: Sendable {
        case event(Event)
        /// A peer's message; resumed when it has been dealt with.
        case message(from: PublicKey, bytes: [UInt8], done: CheckedContinuation<Void, Never>)
        /// A peer's frame of a secure round; resumed when it has been dealt with.
        case frame(from: PublicKey, bytes: [UInt8], done: CheckedContinuation<Void, Never>)
        /// A question of the membership stream; resumed with the answer, or nil if there is none.
        case membership(
            from: PublicKey, bytes: [UInt8], done: CheckedContinuation<[UInt8]?, Never>)
        case swarm(SwarmEvent)
        case tick
        /// The person wants the process to end.
        case stop
    }

    /// How a run ended.
    enum Ending: Sendable {
        /// All rounds are certified and nobody needs this node any more, or its patience is over.
        case finished
        /// Somebody asked for it.
        case stopped
    }

    /// Brings in what happens outside of the loop, until cancelled.
    nonisolated func bringInputs() async {
        await withDiscardingTaskGroup { [parts, inputSink] group in
            group.addTask {
                for await event in parts.swarm.events {
                    parts.connector.handle(event)
                    // A peer may describe itself again and again while a step takes long.
                    if case .identified = event { continue }
                    inputSink.yield(.swarm(event))
                }
            }
            group.addTask {
                while !Task.isCancelled {
                    inputSink.yield(.tick)
                    try? await Task.sleep(for: .milliseconds(250))
                }
            }
            group.addTask { await parts.witness.run() }
            group.addTask {
                await AdmissionWatch(folder: parts.admissionFolder, logger: parts.logger)
                    .run { inputSink.yield(.event(.membershipLearned($0))) }
            }
            group.addTask {
                do {
                    try await parts.connector.run()
                } catch {
                    parts.logger.error("the connector ended", metadata: ["reason": "\(error)"])
                }
            }
        }
    }
}
