internal import Federation
internal import Foundation
internal import Logging
internal import Transports

/// What a node needs beside the rest where rounds are secure.
struct SecureParts: Sendable {
    /// What carries the frames.
    let frames: FrameCarrier
    /// What the protocol is started with.
    let setup: SecureRoundSetup

    /// Makes the parts; `nil` for a manifest of plain rounds.
    ///
    /// - Throws: ``NodeError`` with code `refused` for an adapter that is too large to be summed.
    init?(
        manifest: SignedManifest, layout: AdapterLayout, swarm: Swarm, options: NodeOptions
    ) throws(NodeError) {
        guard manifest.manifest.secure != nil else { return nil }
        // Odd and even rounds may train different halves.
        let elementCount = [1, 2].reduce(0) { most, round in
            max(
                most,
                AggregationRound(manifest: manifest, layout: layout, round: round)
                    .secureVector.elementCount)
        }
        guard elementCount <= SecureVectorFormat.elementCountMax else {
            throw NodeError(
                .refused,
                "An adapter of \(elementCount) values is too large for secure rounds; they sum "
                    + "\(SecureVectorFormat.elementCountMax) at most.")
        }
        frames = FrameCarrier(
            swarm: swarm, elementCount: elementCount, beforeFrame: options.beforeFrame,
            logger: options.logger)
        setup = SecureRoundSetup(
            layout: layout, zeroSeconds: UInt64(max(Date().timeIntervalSince1970, 0)))
    }
}
