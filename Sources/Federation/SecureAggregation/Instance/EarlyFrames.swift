internal import Cryptography

/// Frames that came before what they build on, a bounded number of each sender.
struct EarlyFrames: Sendable {
    /// Frames of one sender that are kept: every kind of a round, in a few views.
    static let countMax = 128
    /// Before they are tried again although nothing happened: some wait for a clock.
    static let retrySeconds = 0.5

    private var frames: [(peer: PublicKey, bytes: [UInt8])] = []
    private var usage: [PublicKey: (count: Int, byteCount: Int)] = [:]
    private var triedProgress = -1
    private var retryAt = Timestamp(milliseconds: 0)

    /// Frames that wait.
    var count: Int { frames.count }

    /// Keeps a frame; `false` where its sender has used up its room.
    mutating func keep(_ bytes: [UInt8], from peer: PublicKey, byteCountMax: Int) -> Bool {
        var used = usage[peer] ?? (0, 0)
        used.count += 1
        used.byteCount += bytes.count
        guard used.count <= Self.countMax, used.byteCount <= byteCountMax else { return false }
        usage[peer] = used
        frames.append((peer, bytes))
        return true
    }

    /// Whether there is something to try again.
    mutating func takesTurn(progress: Int, now: Timestamp) -> Bool {
        guard !frames.isEmpty, progress != triedProgress || now >= retryAt else { return false }
        retryAt = now.adding(seconds: Self.retrySeconds)
        triedProgress = progress
        return true
    }

    /// Hands out all frames; those that are still early come back.
    mutating func takeAll() -> [(peer: PublicKey, bytes: [UInt8])] {
        defer {
            frames = []
            usage = [:]
        }
        return frames
    }
}
