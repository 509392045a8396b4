internal import LibP2P
internal import Transports

/// Asks a connected peer whether a node can be dialled, and what time it is there.
struct ReachabilityAsker: Sendable {
    /// What a peer answered, and by how much its clock is ahead of this one.
    struct Reply: Sendable {
        let peer: PeerID
        let answer: ReachabilityCheck.Answer
        /// The peer's clock minus this one, with half the round trip as its uncertainty.
        let clockAhead: Duration
        let uncertainty: Duration
    }

    /// The time for an answer: four addresses at five seconds each, and some.
    static let deadline = Duration.seconds(30)

    let streams: any StreamOpener
    var clock = ServiceClock.system

    /// Asks one peer.
    ///
    /// - Parameter roundTrip: What a ping of the peer takes: the answer may wait for dials, so its own
    ///   time says nothing of the way.
    /// - Throws: `protocolUnsupported`, `streamReset` where the peer refuses or is too slow, and
    ///   what else a stream throws.
    func ask(
        _ peer: PeerID, about record: SignedPeerRecord?, roundTrip: Duration
    ) async throws(TransportError) -> Reply {
        let stream = try await streams.openMessageStream(
            to: peer, protocol: ReachabilityCheck.protocolID)
        let watch = Task { [clock] in
            do { try await clock.sleep(Self.deadline) } catch { return }
            stream.reset()
        }
        defer { watch.cancel() }
        let asked = clock.unixMilliseconds()
        try await stream.writeLengthPrefixed(ReachabilityCheck.Question(record: record).bytes)
        let bytes = try await stream.readLengthPrefixed(
            maxByteCount: ReachabilityCheck.messageByteCountMax)
        await stream.closeWrite()
        guard let bytes else {
            throw .endedEarly(expectedByteCount: 1, receivedByteCount: 0)
        }
        do throws(LibP2PError) {
            let answer = try ReachabilityCheck.Answer(bytes: bytes)
            // The peer reads its clock when the question comes.
            let ahead = Self.difference(answer.unixMilliseconds, asked)
            return Reply(
                peer: peer, answer: answer, clockAhead: ahead - roundTrip / 2,
                uncertainty: roundTrip / 2)
        } catch {
            throw .negotiationFailed(error)
        }
    }

    private static func difference(_ left: UInt64, _ right: UInt64) -> Duration {
        let isAhead = left >= right
        let distance = Int64(clamping: isAhead ? left - right : right - left)
        // A clock that is centuries off is off enough.
        return .milliseconds(min(distance, 1 << 50) * (isAhead ? 1 : -1))
    }
}
