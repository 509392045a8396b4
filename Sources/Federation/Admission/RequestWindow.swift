/// The requests that were taken lately, so that none is taken twice.
///
/// A request is as old as its time says. One that is further than the skew from this node's clock is
/// refused for that; the others' nonces are remembered for three times as long, until no clock within
/// the skew could let them pass.
///
/// Source: specs/admission.md, section 2.2.
struct RequestWindow: Hashable, Sendable {
    /// The nonces that are remembered at most: some 23 requests a second.
    static let countMax = 4096

    private var seen: [UInt64: UInt64] = [:]

    /// Takes a request, or says why not.
    ///
    /// - Throws: `requestTimeOff`, `requestReplayed`, `tooMany` while the window is full.
    mutating func take(
        nonce: UInt64, timeSeconds: UInt64, now: UInt64
    ) throws(RejectReason) {
        let skew = MembershipCertificate.clockSkewSeconds
        let distance = timeSeconds > now ? timeSeconds - now : now - timeSeconds
        guard distance <= skew else { throw .requestTimeOff }
        seen = seen.filter { now < $0.value || now - $0.value <= 3 * skew }
        guard seen[nonce] == nil else { throw .requestReplayed }
        guard seen.count < Self.countMax else { throw .tooMany }
        seen[nonce] = now
    }
}
