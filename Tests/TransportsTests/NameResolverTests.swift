import Dispatch
import NIOCore
import NIOPosix
import Testing

@testable import Transports

@Suite(.timeLimit(.minutes(1))) struct NameResolverTests {
    @Test func `a name that nobody answers for costs its time and no more`() async throws {
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        // The only thread is kept, as by a name server that is silent.
        let release = DispatchSemaphore(value: 0)
        pool.submit { _ in release.wait() }
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        await #expect(throws: NameResolver.TimedOut.self) {
            try await NameResolver.resolve(
                host: "localhost", port: 1, family: .v4, within: .milliseconds(50), on: pool,
                loop: loop)
        }
        release.signal()
        let found = try await NameResolver.resolve(
            host: "localhost", port: 1, family: .v4, within: .seconds(30), on: pool, loop: loop)
        #expect(found.map(\.ipAddress) == ["127.0.0.1"])
        try await pool.shutdownGracefully()
    }
}
