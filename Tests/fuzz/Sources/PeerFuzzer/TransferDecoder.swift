internal import Cryptography

@testable internal import LibP2P

/// What a peer sends on a stream of object transfer: to a provider and to a fetcher of one object.
enum TransferDecoder: PeerDecoder {
    private static let contents = [UInt8](repeating: 7, count: 1_000)
    private static let manifest: ObjectManifest = {
        guard let manifest = try? ObjectManifest(cutting: contents) else {
            preconditionFailure("an object of 1000 bytes was refused")
        }
        return manifest
    }()

    static var seeds: [[UInt8]] {
        let object = manifest.objectID
        let frames: [[TransferFrame]] = [
            [
                .request(ObjectRequest(objectID: object, wantsManifest: true, ranges: [], id: 1)),
                .request(
                    ObjectRequest(objectID: object, wantsManifest: false, ranges: [0..<1], id: 2)),
            ],
            [.manifest(manifest.bytes), .chunk(index: 0, bytes: contents)],
            [.have(ChunkPresence(count: 1)), .busy(retryMilliseconds: 5, requestID: 1)],
            [.manifest(manifest.bytes), .miss([0])], [.gone],
        ]
        return frames.map { $0.flatMap { LengthPrefixedDecoder.encode($0.bytes) } }
            + [manifest.bytes]
    }

    static func read(_ input: [UInt8]) {
        if let other = try? ObjectManifest(bytes: input, byteCountMax: 1 << 30) {
            precondition(other.bytes == input && other.chunkCount > 0, "not canonical")
            precondition(other.byteRange(ofChunk: other.chunkCount - 1) != nil)
        }
        var serve = ObjectServeInstance()
        var fetch = ObjectFetchInstance(objectID: manifest.objectID, byteCountMax: 1 << 20)
        let provider = Samples.peers[0]
        for event in [ObjectFetchInstance.Event.asked(provider), .opened(provider)] {
            _ = fetch.handle(event, now: .zero)
        }
        var decoder = LengthPrefixedDecoder(byteCountMax: TransferProtocol.frameByteCountMax)
        decoder.append(input)
        while let bytes = try? decoder.next() {
            guard let frame = try? TransferFrame(bytes: bytes) else { continue }
            precondition((try? TransferFrame(bytes: frame.bytes)) == frame, "a frame differs")
            for directive in fetch.handle(.received(frame, from: provider), now: .zero) {
                if case .acceptChunk(let index, let bytes, _) = directive {
                    precondition(manifest.isChunk(bytes, at: index), "a wrong chunk is taken")
                }
            }
            var directives = serve.handle(.received(frame))
            while let directive = directives.popLast() {
                switch directive {
                case .lookUp(let object):
                    let isHeld = object == manifest.objectID
                    var presence = ChunkPresence(count: manifest.chunkCount)
                    if bytes.count.isMultiple(of: 2) { presence.insert(0) }
                    directives += serve.handle(
                        isHeld ? .found(manifest: manifest.bytes, presence: presence) : .notFound)
                case .loadChunk(let index):
                    precondition(index == 0, "a chunk that there is not")
                    directives += serve.handle(.loaded(index: index, bytes: contents))
                case .send, .close, .reset: break
                }
            }
        }
    }
}

/// Questions and answers about reachability.
enum ReachabilityDecoder: PeerDecoder {
    static var seeds: [[UInt8]] {
        let record = try? SignedPeerRecord(envelope: Samples.record(0))
        let answer = ReachabilityCheck.Answer(
            unixMilliseconds: 1_700_000_000_000, observedAddress: Samples.addresses[0],
            trials: [.init(address: Samples.addresses[1], outcome: .notConnected)],
            sessions: [.init(address: Samples.addresses[2], agent: "starling/0.1")])
        return [
            ReachabilityCheck.Question(record: nil).bytes,
            ReachabilityCheck.Question(record: record).bytes, answer.bytes,
        ]
    }

    static func read(_ input: [UInt8]) {
        if let question = try? ReachabilityCheck.Question(bytes: input) {
            precondition((try? .init(bytes: question.bytes)) == question, "a question differs")
        }
        if let answer = try? ReachabilityCheck.Answer(bytes: input) {
            precondition(answer.trials.count <= ReachabilityCheck.addressCountMax)
            precondition(answer.sessions.count <= ReachabilityCheck.sessionCountMax)
            precondition(answer.bytes.count <= 2 * ReachabilityCheck.messageByteCountMax)
            _ = try? ReachabilityCheck.Answer(bytes: answer.bytes)
        }
    }
}
