internal import Federation
internal import LibP2P
internal import Transports

/// How a node that has nothing but a join line gets the federation's manifest.
///
/// The asker opens a stream and closes its side; the other side writes the signed manifest behind
/// its length and closes. The manifest is checked before it is used: its author's signature, every
/// range, and later that the base model is the one it names.
enum ManifestExchange {
    static let protocolID = "/starling/manifest/1.0.0"
    /// A manifest is some hundred bytes; its lists are bounded.
    static let byteCountMax = 64 << 10

    /// Answers those who ask; before the swarm starts.
    static func register(_ manifest: SignedManifest, at swarm: Swarm) {
        let bytes = manifest.bytes
        swarm.register(protocol: protocolID) { _, stream in
            do {
                try await stream.writeLengthPrefixed(bytes)
                await stream.closeWrite()
            } catch {
                stream.reset()
            }
        }
    }

    /// Asks a connected peer.
    ///
    /// - Throws: ``NodeError`` when the peer doesn't answer or its manifest doesn't hold.
    static func ask(_ peer: PeerID, through swarm: Swarm) async throws(NodeError) -> SignedManifest
    {
        let bytes: [UInt8]?
        do {
            let stream = try await swarm.openStream(to: peer, protocol: protocolID)
            await stream.closeWrite()
            bytes = try await stream.readLengthPrefixed(maxByteCount: byteCountMax)
        } catch {
            throw NodeError(
                .network,
                "The peer \(peer) gave no manifest; is it a running starling of this version?",
                cause: error
            )
        }
        guard let bytes else {
            throw NodeError(.network, "The peer \(peer) closed the stream without a manifest.")
        }
        do {
            return try SignedManifest(bytes: bytes)
        } catch {
            throw NodeError(.refused, "The manifest of peer \(peer) doesn't hold.", cause: error)
        }
    }
}
