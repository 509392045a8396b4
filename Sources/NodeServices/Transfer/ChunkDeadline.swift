internal import LibP2P

/// How long a provider may take for its next chunk, by what was measured of it.
///
/// A provider is left when it is far slower than it was, not when its link is slow: a fixed limit
/// would cut off a member at 4 Mbit/s that serves seven others at once.
package struct ChunkDeadline: Sendable {
    /// The limit before a rate is known.
    let first: Duration
    /// The least limit: what a lost packet and a busy provider may cost.
    let least: Duration
    /// The greatest limit.
    let greatest: Duration

    /// How many times the expected time of the whole window a provider may take for one chunk.
    private static let slack = 4.0

    package init(settings: TransferSettings) {
        first = settings.chunkDeadline
        least = settings.chunkDeadlineMin
        greatest = settings.chunkDeadlineMax
    }

    /// The limit for a provider of this rate, in bytes per second; nil if it is not known.
    package func deadline(bytesPerSecond: Double?) -> Duration {
        guard let bytesPerSecond, bytesPerSecond > 0 else { return first }
        let window = Double(
            TransferProtocol.outstandingChunkCountFirst * TransferProtocol.chunkByteCount)
        let seconds = Self.slack * window / bytesPerSecond
        guard seconds < greatest.seconds else { return greatest }
        return max(least, .seconds(seconds))
    }
}
