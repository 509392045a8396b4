import Cryptography
import Tensors

@testable import Federation

/// One gossiping instance under test, key 1, with a disk; the test speaks for the other members.
struct GossipPeer {
    let manifest: SignedManifest
    let keys: [SigningKey]
    var instance: GossipInstance
    var records: [String: [UInt8]] = [:]
    var log: [LogRecord] = []
    var milliseconds: UInt64 = 1000
    /// Everything that was ordered in this life, in order.
    var directives: [Directive] = []

    var now: Timestamp { Timestamp(milliseconds: milliseconds) }
    var own: PublicKey { keys[0].publicKey }

    init(memberCount: Int = 4, exchange: Manifest.ExchangeSettings = .gossip) throws {
        manifest = try GossipFixture(exchange: exchange).manifest
        keys = (1...memberCount).map { Fixtures.key(UInt8($0)) }
        records = GossipInstance.records(ofMembers: keys, manifest: manifest)
        instance = try GossipInstance(
            restored: RestoredState(manifest: manifest, records: records),
            baseModelDigest: manifest.manifest.baseModelDigest, signer: keys[0],
            now: Timestamp(milliseconds: milliseconds))
        tell(.started)
    }

    /// Hands over an event and carries out the durable directives.
    @discardableResult
    mutating func tell(_ event: Event) -> [Directive] {
        let new = instance.handle(event, now: now)
        for directive in new {
            switch directive {
            case .persist(let key, let value): records[key] = value
            case .forget(let keys): for key in keys { records[key] = nil }
            case .appendLog(let record): log.append(record)
            default: break
            }
        }
        directives += new
        return new
    }

    @discardableResult
    mutating func receive(_ message: Message, from index: Int) -> [Directive] {
        tell(.received(from: keys[index].publicKey, bytes: MessageCodec.encode(message)))
    }

    /// A new life with what is on the disk.
    mutating func restart() throws {
        instance = try GossipInstance(
            restored: RestoredState(manifest: manifest, records: records),
            baseModelDigest: manifest.manifest.baseModelDigest, signer: keys[0], now: now)
        directives = []
        tell(.started)
    }

    mutating func connectAll() {
        for key in keys.dropFirst() { tell(.connected(key.publicKey)) }
    }

    /// Lets the first adapter be in the store and the catch-up of a start end without an answer.
    mutating func begin() {
        connectAll()
        tell(.objectFetched(manifest.manifest.initialAdapterDigest, .adapter))
        pass(seconds: 5)
    }

    mutating func pass(seconds: Double) {
        let end = milliseconds + UInt64(seconds * 1000)
        while milliseconds < end {
            milliseconds += 250
            tell(.tick)
        }
    }

    /// The round whose training was ordered last, and its base.
    var training: (round: UInt64, base: ObjectID)? {
        directives.lazy.reversed().compactMap { directive in
            if case .startTraining(let round, let base) = directive { (round, base) } else { nil }
        }.first
    }

    /// Ends the training that was ordered last with a state of that name.
    @discardableResult
    mutating func train(_ name: String = "trained") -> [Directive] {
        guard let training else { return [] }
        let summary = summary(0, round: training.round, base: training.base, name: name)
        return tell(
            .stateReady(
                round: training.round, state: Fixtures.digest("\(name) state"), summary: summary))
    }

    func summary(
        _ index: Int, round: UInt64, base: ObjectID = Fixtures.digest("base"),
        name: String = "object", examples: Int = 8
    ) -> UpdateSummary {
        UpdateSummary(
            objectID: Fixtures.digest("\(name) \(index) \(round)"),
            member: keys[index].publicKey, round: round, baseAdapterDigest: base,
            exampleCount: examples, byteCount: 100)
    }

    func announcement(
        _ index: Int, round: UInt64, name: String = "object", examples: Int = 8
    ) -> SignedAnnouncement {
        SignedAnnouncement(
            manifest: manifest.digest,
            summary: summary(index, round: round, name: name, examples: examples),
            signer: keys[index])
    }

    /// A round in which the draw gives that member's state to this node, or does not.
    func round(_ index: Int, isDrawn: Bool, from first: UInt64 = 1) -> UInt64? {
        let places = manifest.manifest.exchange.fanOut * GossipDraw.placesPerTarget
        return (first...13).first { round in
            let place = GossipDraw(
                manifestDigest: manifest.digest, round: round, sender: keys[index].publicKey
            ).place(of: own, among: keys.map(\.publicKey))
            return (place < places) == isDrawn
        }
    }

    /// Takes a member's state in up to its bytes.
    mutating func deliver(_ index: Int, round: UInt64, examples: Int = 8) {
        let item = announcement(index, round: round, examples: examples)
        receive(.announcement(item), from: index)
        tell(.objectFetched(item.summary.objectID, .update(.success(item.summary))))
    }

    static func outcome(_ name: String) -> MixOutcome {
        MixOutcome(
            adapterDigest: Fixtures.digest(name),
            distance: ConsensusDistance(value: 0.5, meanNorm: 2, sampleCount: 2),
            droppedEnergy: 0)
    }

    var mixes: [MixOrder] {
        directives.compactMap { if case .mix(let order) = $0 { order } else { nil } }
    }

    var sent: [(to: [PublicKey], message: Message)] {
        directives.compactMap { directive in
            guard case .send(let receivers, let bytes) = directive,
                let message = try? MessageCodec.decode(bytes)
            else { return nil }
            return (receivers, message)
        }
    }

    /// The own announcements that were sent.
    var announced: [SignedAnnouncement] {
        sent.compactMap { item in
            if case .announcement(let announcement) = item.message,
                announcement.summary.member == own
            {
                announcement
            } else {
                nil
            }
        }
    }

    var refusals: [RejectReason] {
        log.compactMap { if case .updateRefused(_, let reason) = $0 { reason } else { nil } }
    }

    var equivocations: [Equivocation] {
        log.compactMap { if case .equivocation(let found) = $0 { found } else { nil } }
    }

    var mixRecords: [MixRecord] {
        log.compactMap { if case .mixed(let record) = $0 { record } else { nil } }
    }
}
