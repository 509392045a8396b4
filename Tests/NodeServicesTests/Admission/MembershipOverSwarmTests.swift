import Cryptography
import Federation
import LibP2P
import Logging
import NIOPosix
import Synchronization
import Testing
import Transports

@testable import NodeServices

/// An issuer's node and a joiner with sockets between them: what is answered before and after.
@Suite struct MembershipOverSwarmTests {
    /// The issuer: the protocol's instance behind the membership stream, and a service for members.
    private final class Issuer: Sendable {
        static let secretID = "/test/secret/1.0.0"
        let swarm: Swarm
        let access: AccessRules
        private let state: Mutex<(instance: PeerInstance, count: UInt64)>

        init(_ closed: ClosedHome) throws {
            let access = AccessRules(
                registry: AdmissionRegistry(manifest: closed.manifest), adapterCountMax: 2,
                clock: closed.clock.service)
            self.access = access
            let listen = try [Multiaddr("/ip4/127.0.0.1/tcp/0")]
            var configuration = SwarmConfiguration(
                identity: closed.identity, listenAddresses: listen, agentVersion: "starling/test",
                protocolVersion: "/starling/test/1")
            configuration.mayServe = { peer, id in
                id == MembershipService.protocolID || access.admits(peer)
            }
            var logger = Logger(label: "issuer")
            logger.logLevel = .critical
            swarm = Swarm(
                configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
                logger: logger)
            state = Mutex(
                (
                    try PeerInstance(
                        restored: RestoredState(manifest: closed.manifest),
                        baseModelDigest: closed.manifest.manifest.baseModelDigest,
                        signer: closed.identity,
                        admission: AdmissionSetup(zeroSeconds: closed.seconds),
                        now: Timestamp(milliseconds: 0)), 0
                ))
            MembershipService(logger: logger).register(at: swarm) { [self] key, bytes in
                tell { .membershipRequested(id: $0, from: key, bytes: bytes) }
            }
            swarm.register(protocol: Self.secretID) { _, stream in
                try? await stream.writeLengthPrefixed([42])
                await stream.closeWrite()
            }
        }

        @discardableResult
        func tell(_ event: (UInt64) -> Event) -> [UInt8]? {
            state.withLock { state in
                state.count += 1
                var reply: [UInt8]?
                let directives = state.instance.handle(
                    event(state.count), now: Timestamp(milliseconds: state.count))
                for case .membershipReply(state.count, let bytes) in directives { reply = bytes }
                access.setRegistry(state.instance.admissionRegistry)
                return reply
            }
        }
    }

    private func isServed(_ node: LoopbackNode, by issuer: Issuer) async -> Bool {
        do {
            let stream = try await node.swarm.openStream(
                to: issuer.swarm.peerID, protocol: Issuer.secretID)
            return try await stream.readLengthPrefixed(maxByteCount: 8) == [42]
        } catch {
            return false
        }
    }

    @Test func `a node is answered about membership alone until it has redeemed its invite`()
        async throws
    {
        let closed = try await ClosedHome()
        let issuer = try Issuer(closed)
        let node = LoopbackNode()
        let address = try #require(try await issuer.swarm.start().first)
        _ = try await node.swarm.start()
        try await node.swarm.dial(address)
        let client = MembershipClient(
            streams: node.swarm, own: node.key.publicKey, clock: closed.clock.service)
        #expect(await !isServed(node, by: issuer))
        await #expect(throws: NodeError.self) {
            try await client.present(nil, to: issuer.swarm.peerID)
        }
        let code = try await closed.book.invite(
            terms: .init(), useCountMax: 1, hourCount: 1
        ).code
        let (manifest, chain) = try await client.redeem(code, at: issuer.swarm.peerID)
        #expect(manifest == closed.manifest && chain.node == node.key.publicKey)
        #expect(await isServed(node, by: issuer))
        #expect(try await client.present(chain, to: issuer.swarm.peerID) == closed.manifest)

        let revocation = SignedRevocation(
            revoking: chain, timeSeconds: closed.seconds, reason: "sold", signer: closed.identity)
        issuer.tell { _ in .membershipLearned(MembershipShare(revocations: [revocation])) }
        #expect(await !isServed(node, by: issuer))
        do {
            _ = try await client.present(chain, to: issuer.swarm.peerID)
            Issue.record("a revoked node was admitted")
        } catch {
            #expect(error.code == .refused && error.message.contains("sold"))
        }
        await node.swarm.shutdown()
        await issuer.swarm.shutdown()
    }
}
