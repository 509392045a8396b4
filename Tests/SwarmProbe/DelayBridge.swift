import Glibc
import NIOPosix

/// A link between two network namespaces: two TUN devices, and between them a delay and, if asked
/// for, a rate and a loss.
///
/// The script that starts it moves one device into another namespace and gives both an address.
/// It takes the place of `tc netem`, which not every kernel has.
struct DelayBridge {
    /// What one direction of the link does to packets.
    struct Link {
        /// The time that a packet is on its way, in nanoseconds.
        var delayNanoseconds: UInt64
        /// The rate in bytes a second; 0 means no bound.
        var bytesPerSecond: UInt64 = 0
        /// Packets of a million that are lost.
        var lossPerMillion: UInt64 = 0
    }

    /// Bytes that wait at the link's entry before further packets are dropped.
    ///
    /// The products of 10 Gbit/s and 50 ms, and of any slower link and a longer time.
    private static let waitingByteCountMax = 64 << 20
    /// The greatest packet of IP.
    private static let packetByteCountMax = 65_536

    private let descriptors: [Int32]
    private let link: Link

    /// Makes the two devices.
    init(names: [String], link: Link) throws {
        self.link = link
        descriptors = try names.map { name in
            let descriptor = unsafe open("/dev/net/tun", O_RDWR | O_NONBLOCK)
            guard descriptor >= 0 else { throw BridgeError.noTunnels(errno) }
            // struct ifreq: 16 bytes of name, then the flags.
            var request = [UInt8](repeating: 0, count: 40)
            for (index, byte) in name.utf8.prefix(15).enumerated() { request[index] = byte }
            let isTunWithoutHeader: UInt16 = 0x1001
            request[16] = UInt8(isTunWithoutHeader & 0xFF)
            request[17] = UInt8(isTunWithoutHeader >> 8)
            let setInterface: UInt = 0x4004_54CA
            let code = unsafe request.withUnsafeMutableBytes { bytes in
                guard let base = bytes.baseAddress else { return Int32(-1) }
                return unsafe ioctl(descriptor, setInterface, base)
            }
            guard code >= 0 else { throw BridgeError.noDevice(name, errno) }
            return descriptor
        }
    }

    /// Carries packets until the process ends.
    func run() async throws {
        let pool = NIOThreadPool(numberOfThreads: descriptors.count)
        pool.start()
        try await withThrowingDiscardingTaskGroup { group in
            for (from, to) in [(descriptors[0], descriptors[1]), (descriptors[1], descriptors[0])] {
                group.addTask { [self] in
                    try await pool.runIfActive { carry(from: from, to: to) }
                }
            }
        }
    }

    /// One direction, on a thread of its own.
    private func carry(from source: Int32, to sink: Int32) {
        var waiting: [(due: UInt64, packet: [UInt8])] = []
        var head = 0
        var waitingByteCount = 0
        var linkFreeAt: UInt64 = 0
        var random = SystemRandomNumberGenerator()
        var buffer = [UInt8](repeating: 0, count: Self.packetByteCountMax)
        while true {
            wait(for: source, until: head < waiting.count ? waiting[head].due : nil)
            // Not too many at a time: others become due meanwhile.
            for _ in 0..<64 {
                let count = unsafe read(source, &buffer, buffer.count)
                guard count > 0 else { break }
                if waitingByteCount + count > Self.waitingByteCountMax { continue }
                if link.lossPerMillion > 0,
                    UInt64.random(in: 0..<1_000_000, using: &random) < link.lossPerMillion
                {
                    continue
                }
                let start = max(Self.now(), linkFreeAt)
                if link.bytesPerSecond > 0 {
                    linkFreeAt = start + UInt64(count) * 1_000_000_000 / link.bytesPerSecond
                }
                waiting.append(
                    (max(start, linkFreeAt) + link.delayNanoseconds, Array(buffer[..<count])))
                waitingByteCount += count
            }
            let now = Self.now()
            while head < waiting.count, waiting[head].due <= now {
                let packet = waiting[head].packet
                // A full device drops the packet, as a link would.
                _ = unsafe write(sink, packet, packet.count)
                waitingByteCount -= packet.count
                waiting[head].packet = []
                head += 1
            }
            if head > 1_024, head * 2 > waiting.count {
                waiting.removeFirst(head)
                head = 0
            }
        }
    }

    /// Waits for a packet, or for the time at which one has to leave.
    private func wait(for source: Int32, until due: UInt64?) {
        let now = Self.now()
        let left = due.map { $0 > now ? $0 - now : 0 } ?? 1_000_000_000
        if left >= 1_000_000 {
            var entry = pollfd(fd: source, events: Int16(POLLIN), revents: 0)
            _ = unsafe poll(&entry, 1, Int32(left / 1_000_000))
        } else if left > 0 {
            var time = timespec(tv_sec: 0, tv_nsec: Int(min(left, 100_000)))
            _ = unsafe nanosleep(&time, nil)
        }
    }

    private static func now() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    enum BridgeError: Error {
        case noTunnels(Int32)
        case noDevice(String, Int32)
    }
}
