import Cryptography
import LibP2P
import NIOCore

@testable import Transports

extension RawPeer {
    /// What a hostile peer does next.
    enum Move {
        /// Sends frames in records of its own.
        case send([UInt8])
        /// Sends a record with nothing in it.
        case sendEmptyRecord
        /// Sends nothing more and reads until the other side closes.
        case listen
    }

    /// How an attack ended.
    struct End {
        /// What came before the other side closed.
        var received: [UInt8] = []
        /// The moves that were made.
        var moveCount = 0
        /// Whether the other side closed.
        var isClosed = false
    }

    /// Completes the upgrade as a dialler and goes on as a script says, whatever the rules are, until
    /// the other side closes.
    ///
    /// Reading and writing go on side by side, so that neither waits for the other.
    func attack(
        identity: SigningKey = .generate(), _ script: @escaping @Sendable (Int) -> Move
    ) async throws -> End {
        var upgrade = UpgradeInstance(
            isDialer: true, identity: identity, expectedPeer: nil)
        return try await channel.executeThenClose { inbound, outbound in
            var end = End()
            try await outbound.write(ByteBuffer(bytes: try upgrade.start()))
            var iterator = inbound.makeAsyncIterator()
            var done: UpgradeInstance.Upgraded?
            while done == nil {
                guard let buffer = try await iterator.next() else { return end }
                let (answer, result) = try upgrade.receive(buffer)
                if !answer.isEmpty { try await outbound.write(ByteBuffer(bytes: answer)) }
                done = result
            }
            guard let upgraded = done else { return end }
            let noise = upgraded.noise
            // The writing task alone uses it.
            nonisolated(unsafe) let sendCipher = noise.sendCipher
            let writer = Task { () -> Int in
                var count = 0
                while !Task.isCancelled {
                    let record: [UInt8]
                    switch script(count) {
                    case .send(let frames): record = try unsafe sendCipher.seal(frames)
                    case .sendEmptyRecord:
                        record = try unsafe sendCipher.seal([], asOneRecord: true)
                    case .listen: return count
                    }
                    do {
                        try await outbound.write(ByteBuffer(bytes: record))
                    } catch {
                        return count
                    }
                    count += 1
                }
                return count
            }
            var records = upgraded.records
            var rest = upgraded.ciphertext
            do {
                while true {
                    while let record = records.next(from: &rest) {
                        end.received += try noise.receiveCipher.open(record)
                    }
                    guard let buffer = try await iterator.next() else { break }
                    rest = buffer
                }
            } catch is IOError {}
            end.isClosed = true
            writer.cancel()
            end.moveCount = try await writer.value
            return end
        }
    }
}

extension NoiseSendCipher {
    /// One record, also of nothing.
    func seal(_ plaintext: [UInt8], asOneRecord: Bool) throws(LibP2PError) -> [UInt8] {
        guard asOneRecord else { return try seal(plaintext) }
        var record =
            [UInt8](repeating: 0, count: 2) + plaintext + [UInt8](repeating: 0, count: 16)
        let result: Result<Void, LibP2PError> = unsafe record.withUnsafeMutableBytes { bytes in
            do throws(LibP2PError) {
                try seal(record: bytes)
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
        return record
    }
}
