import Cryptography
import LibP2P
import NIOCore
import NIOPosix

@testable import Transports

/// A peer that is not bound by any rule: it sends whatever bytes a test wants.
struct RawPeer {
    let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>

    static func connect(to address: Multiaddr) async throws -> RawPeer {
        let (host, port) = address.tcpEndpoint ?? ("", 0)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: host, port: Int(port)) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel
                    )
                }
            }
        return RawPeer(channel: channel)
    }

    /// Sends bytes as they are, and waits until the other side closes.
    func send(_ bytes: [UInt8]) async throws {
        try await channel.executeThenClose { inbound, outbound in
            // The other side may be gone before all is written, which is what tests wait for.
            try? await outbound.write(ByteBuffer(bytes: bytes))
            do {
                for try await _ in inbound {}
            } catch is IOError {
                return
            }
        }
    }

    /// Completes the upgrade as a dialler, then sends plaintext in records of its own, and returns
    /// the frames' bytes that came before the other side closed.
    func upgradeAndSend(_ plaintext: [UInt8], breaksRecord: Bool = false) async throws -> [UInt8] {
        var upgrade = UpgradeInstance(
            isDialer: true, identity: SigningKey.generate(), expectedPeer: nil
        )
        var received: [UInt8] = []
        try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(bytes: try upgrade.start()))
            var upgraded: UpgradeInstance.Upgraded?
            var records = RecordReader()
            do {
                for try await var buffer in inbound {
                    if upgraded == nil {
                        let (answer, result) = try upgrade.receive(buffer)
                        if !answer.isEmpty { try await outbound.write(ByteBuffer(bytes: answer)) }
                        guard let result else { continue }
                        upgraded = result
                        buffer = result.ciphertext
                        records = result.records
                        var bytes = try result.noise.sendCipher.seal(plaintext)
                        if breaksRecord { bytes[bytes.count - 1] ^= 1 }
                        try? await outbound.write(ByteBuffer(bytes: bytes))
                    }
                    while let record = records.next(from: &buffer) {
                        received += try upgraded?.noise.receiveCipher.open(record) ?? []
                    }
                }
            } catch is IOError {
                return
            }
        }
        return received
    }
}
