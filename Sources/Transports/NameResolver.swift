internal import Glibc
internal import NIOCore
internal import NIOPosix

/// Turns host names into socket addresses on threads of a pool, since the system's call blocks.
enum NameResolver {
    /// The time for one name is over.
    struct TimedOut: Error {}

    /// Which addresses of a name are wanted.
    enum Family: Sendable {
        case any, v4, v6

        fileprivate var number: CInt {
            switch self {
            case .any: AF_UNSPEC
            case .v4: AF_INET
            case .v6: AF_INET6
            }
        }
    }

    /// The most addresses of one name that are tried.
    static let addressCountMax = 8

    /// For names that strangers gave: a thread of their own, so that names which nobody answers for
    /// keep only each other waiting.
    static let strangersPool: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        return pool
    }()

    /// The addresses of a name, in the system's order; empty if it has none.
    ///
    /// The system's call cannot be ended: what takes too long goes on without anybody who waits for it.
    static func resolve(
        host: String, port: UInt16, family: Family, within timeout: Duration,
        on pool: NIOThreadPool, loop: any EventLoop
    ) async throws -> [SocketAddress] {
        let deadline = ContinuousClock.now + timeout
        let promise = loop.makePromise(of: [SocketAddress].self)
        let alarm = loop.scheduleTask(in: TimeAmount(timeout)) { promise.fail(TimedOut()) }
        pool.submit { state in
            guard state == .active, ContinuousClock.now < deadline else {
                return promise.fail(TimedOut())
            }
            promise.succeed(lookUp(host: host, port: port, family: family))
            alarm.cancel()
        }
        return try await promise.futureResult.get()
    }

    private static func lookUp(host: String, port: UInt16, family: Family) -> [SocketAddress] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_family = family.number
        unsafe hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var first: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, String(port), &hints, &first) == 0 else { return [] }
        defer { unsafe freeaddrinfo(first) }
        var addresses: [SocketAddress] = []
        var next = unsafe first
        while let entry = unsafe next, addresses.count < addressCountMax {
            if let address = unsafe entry.pointee.ai_addr {
                switch unsafe entry.pointee.ai_family {
                case AF_INET:
                    let value = unsafe UnsafeRawPointer(address).load(as: sockaddr_in.self)
                    addresses.append(SocketAddress(value, host: host))
                case AF_INET6:
                    let value = unsafe UnsafeRawPointer(address).load(as: sockaddr_in6.self)
                    addresses.append(SocketAddress(value, host: host))
                default: break
                }
            }
            unsafe next = entry.pointee.ai_next
        }
        return addresses
    }
}
