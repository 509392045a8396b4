@testable internal import LibP2P

/// The records that a peer tells of others, and the view that is made of them.
enum PeerExchangeDecoder: PeerDecoder {
    static var seeds: [[UInt8]] {
        var view = PassiveView()
        for index in 0..<3 {
            if let record = try? SignedPeerRecord(envelope: Samples.record(index)) {
                view.insert(record, atMilliseconds: UInt64(index))
            }
        }
        view.noteSuccess(of: Samples.peers[0], atMilliseconds: 9)
        return [
            PeerExchange(own: Samples.record(1), others: []).bytes,
            PeerExchange(own: Samples.record(1), others: [0, 2].map { Samples.record($0) }).bytes,
            view.bytes,
        ]
    }

    static func read(_ input: [UInt8]) {
        if let exchange = try? PeerExchange(bytes: input) {
            var view = PassiveView()
            for record in exchange.open(from: Samples.peers[1]).records {
                view.insert(record, atMilliseconds: 5)
            }
            precondition((try? PassiveView(bytes: view.bytes)) == view, "a view is not read back")
        }
        if let view = try? PassiveView(bytes: input) {
            precondition((try? PassiveView(bytes: view.bytes)) == view, "a view is not read back")
            var generator = Counter()
            _ = view.sample(count: 8, excluding: Samples.peers[0], using: &generator)
        }
    }
}

/// Signed records: the envelope as it came, and the input as what a valid signature covers.
enum PeerRecordDecoder: PeerDecoder {
    static var seeds: [[UInt8]] {
        let envelopes = [Samples.record(0), Samples.record(3, sequence: .max)]
        let payloads = envelopes.compactMap {
            (try? SignedEnvelope.open($0, domain: SigningDomain.peerRecord))?.payload
        }
        return envelopes + payloads
    }

    static func read(_ input: [UInt8]) {
        if let record = try? SignedPeerRecord(envelope: input) { look(at: record) }
        let sealed = SignedEnvelope.seal(
            payload: input, payloadType: PeerRecord.payloadType, domain: SigningDomain.peerRecord,
            key: Samples.keys[0])
        if let record = try? SignedPeerRecord(envelope: sealed.bytes) { look(at: record) }
    }

    private static func look(at record: SignedPeerRecord) {
        precondition(record.record.addresses.count <= PeerRecord.addressCountMax)
        for address in record.dialableAddresses {
            precondition(address.peerID == record.peerID, "another peer's address")
        }
    }
}
