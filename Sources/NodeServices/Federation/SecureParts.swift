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
        manifest: Manifest, layout: AdapterLayout, swarm: Swarm, options: NodeOptions
    ) throws(NodeError) {
        guard manifest.secure != nil else { return nil }
        // The most that a round sums: every tensor, and a weight for each direction of it.
        let elementCount = layout.entries.reduce(0) { sum, entry in
            sum + entry.shape.elementCount + (entry.shape.extents.max() ?? 1)
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
