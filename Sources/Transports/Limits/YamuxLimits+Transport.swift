internal import LibP2P

extension YamuxLimits {
    /// What a session of a swarm keeps.
    init(_ limits: TransportLimits) {
        self.init()
        inboundStreamCountMax = limits.inboundStreamCountMaxPerConnection
        openRatePerSecond = limits.streamOpenRatePerSecond
        openBurst = limits.streamOpenBurst
        idleFrameRatePerSecond = limits.idleFrameRatePerSecond
        idleFrameBurst = limits.idleFrameBurst
        refusalCountMax = max(limits.streamOpenBurst, 1)
        windowGrowthByteCountMax = min(
            windowGrowthByteCountMax, limits.memoryByteCountMaxPerPeer / 2)
    }
}
